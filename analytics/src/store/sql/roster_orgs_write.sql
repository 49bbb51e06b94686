-- Writes organisations. One array a column. Rows: one an organisation.
insert into analytics.orgs (sourced_id, name, kind, identifier, parent)
select * from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[])
on conflict (sourced_id) do update set
    name = excluded.name, kind = excluded.kind, identifier = excluded.identifier, parent = excluded.parent
