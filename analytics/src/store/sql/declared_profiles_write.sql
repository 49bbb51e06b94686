-- Declares degrees. $1 person, $2 keys of domains, $3 domains, $4 degrees. Rows: one a domain.
insert into analytics.declared_profiles (person, domain_key, domain, degree)
select $1::uuid, d.* from unnest($2::bigint[], $3::text[], $4::smallint[]) d
