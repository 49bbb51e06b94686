-- Change a credential ($1: key): its end if $2, to $3 (null: none); how it is checked against the profile if $4, to $5 (off, warn, refuse; null: by the setting). Counts one row when it exists and is neither revoked nor expired.
update service.credentials
   set expires = case when $2::boolean then $3::timestamptz else expires end,
       profile_mode = case when $4::boolean then $5::text else profile_mode end
 where key = $1 and revoked is null and (expires is null or expires > now())
