-- The credential of a key that is not revoked: its hash, scopes and mode of the profile, one row or none (primary key).
select secret_sha256, scopes, profile_mode from service.credentials where key = $1 and revoked is null
