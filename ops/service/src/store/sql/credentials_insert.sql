-- Add a credential: key, SHA-256 of the secret, scopes, label. No rows.
insert into service.credentials (key, secret_sha256, scopes, label) values ($1, $2, $3, $4)
