-- Every credential, the oldest first: all but the hashes.
select key, scopes, label, created, revoked, expires, rotated, former_until, school,
       activity_prefix, profile_mode
  from service.credentials
 order by created, key
