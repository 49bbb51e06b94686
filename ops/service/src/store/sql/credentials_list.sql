-- Every credential, the oldest first: key, scopes, label, created, revoked.
select key, scopes, label, created, revoked from service.credentials order by created, key
