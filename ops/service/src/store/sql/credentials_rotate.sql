-- Give the credential of a key ($1) a new secret ($2: SHA-256); the former one passes for $3 seconds more, 0: not at all. Rows: until when the former passes, none when there is no such credential to rotate (revoked, expired or unknown).
update service.credentials
   set former_sha256 = case when $3::double precision > 0 then secret_sha256 end,
       former_until = case when $3::double precision > 0 then now() + make_interval(secs => $3) end,
       secret_sha256 = $2,
       rotated = now()
 where key = $1 and revoked is null and (expires is null or expires > now())
returning former_until
