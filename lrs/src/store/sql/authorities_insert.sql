-- Enters authorities that are new, in sorted order, so that two copies never wait in a circle.
-- $1: hashes; $2: the Agents as JSON. Rows: hash, id of those entered here; what another entered
-- meanwhile is left out. Index: authorities_hash_key.
insert into lrs.authorities (hash, document)
select r.hash, r.document from unnest($1::uuid[], $2::text[]) as r (hash, document) order by r.hash
on conflict (hash) do nothing
returning hash, id
