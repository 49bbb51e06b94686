-- Revoke the credential of a key ($1); counts one row when it existed and was not revoked yet.
update service.credentials set revoked = now() where key = $1 and revoked is null
