-- Enters actors that are new, in sorted order, so that two copies never wait in a circle.
-- $1: account keys; $2: identifiers as JSON. Rows: key, id of those entered here; what another
-- entered meanwhile is left out. Index: actors_account_key.
insert into lrs.actors (account, ifi)
select r.account, r.ifi::jsonb from unnest($1::uuid[], $2::text[]) as r (account, ifi)
 order by r.account
on conflict (account) do nothing
returning account, id
