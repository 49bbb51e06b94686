-- Enters activities that are new, in sorted order, so that two copies never wait in a circle.
-- $1: hashes; $2: IRIs. Rows: hash, id of those entered here; what another entered meanwhile is
-- left out. Index: activities_hash_key.
insert into lrs.activities (hash, iri)
select r.hash, r.iri from unnest($1::uuid[], $2::text[]) as r (hash, iri) order by r.hash
on conflict (hash) do nothing
returning hash, id
