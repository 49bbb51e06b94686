-- Add counts of warnings: $1 credentials, $2 rules, $3 templates, $4 locations, $5 statements, $6 first, $7 last; in the order of the key, since other copies add, too. No rows. Index: profile_warnings_pkey.
insert into lrs.profile_warnings as kept (credential, rule, template, location, statements, first, last)
select *
from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::timestamptz[], $7::timestamptz[])
on conflict (credential, rule, template, location) do update
set statements = kept.statements + excluded.statements,
    first = least(kept.first, excluded.first),
    last = greatest(kept.last, excluded.last)
