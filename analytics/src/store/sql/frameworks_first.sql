-- Loads the default framework where none is loaded. $1 uri, $2 version, $3 document.
-- The table is locked by the caller, so that two copies do not both load it.
insert into analytics.frameworks (uri, version, document)
select $1::text, $2::text, $3::jsonb
where not exists (select from analytics.frameworks)
