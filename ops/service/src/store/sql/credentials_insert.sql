-- Add a credential: key, SHA-256 of the secret, scopes, label, expires, school, activity prefix, profile mode. No rows.
insert into service.credentials
    (key, secret_sha256, scopes, label, expires, school, activity_prefix, profile_mode)
values ($1, $2, $3, $4, $5, $6, $7, $8)
