-- The credential of a key ($1) that is not revoked: hash, scopes, expires, former hash and until when it passes, school, activity prefix, profile mode; one row or none (primary key).
select secret_sha256, scopes, expires, former_sha256, former_until, school, activity_prefix,
       profile_mode
  from service.credentials
 where key = $1 and revoked is null
