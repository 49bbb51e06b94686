-- Set how a credential ($1: key) is checked against the profile ($2: off, warn, refuse; null: by the setting); counts one row when it exists and is not revoked.
update service.credentials set profile_mode = $2 where key = $1 and revoked is null
