-- The credential of a key that is not revoked: its hash and scopes, one row or none (primary key).
select secret_sha256, scopes from service.credentials where key = $1 and revoked is null
