-- Add a credential: key, SHA-256 of the secret, scopes, label, expires, school, activity prefix, profile check. No rows.
insert into service.credentials
    (key, secret_sha256, scopes, label, expires, school, activity_prefix, profile_check)
values ($1, $2, $3, $4, $5, $6, $7, $8)
