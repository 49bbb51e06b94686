-- Enters which agents authorities are, or have as members, in sorted order.
-- $1: agents; $2: authorities. Index: authority_agents_pkey.
insert into lrs.authority_agents (agent, authority)
select r.agent, r.authority from unnest($1::integer[], $2::integer[]) as r (agent, authority)
 order by r.agent, r.authority
on conflict do nothing
