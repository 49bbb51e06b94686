-- Writes users. One array a column. Rows: one a user. The person of a known user stays.
insert into analytics.users (sourced_id, person, label, active, voie)
select * from unnest($1::text[], $2::uuid[], $3::text[], $4::boolean[], $5::text[])
on conflict (sourced_id) do update set label = excluded.label, active = excluded.active, voie = excluded.voie
