-- Writes what statements inherit; what is there already stays.
-- $1, $2: pairs (seq, via); $3, $4, $5: further agents of a via (via, agent, related alone);
-- $6, $7: its related activities (via, activity). Index: statements_pkey, inherited_pkey.
with pairs as materialized (
    select p.seq, p.via from unnest($1::bigint[], $2::bigint[]) as p (seq, via)
), keys as (
    insert into lrs.inherited (seq, via, actor, verb, activity, registration, authority)
    select p.seq, p.via, t.actor, t.verb, t.activity, t.registration, t.authority
      from pairs p join lrs.statements t on t.seq = p.via
     order by p.seq, p.via
    on conflict do nothing
), agents as (
    insert into lrs.inherited_agents (agent, seq, via, related)
    select a.agent, p.seq, p.via, a.related
      from pairs p
      join unnest($3::bigint[], $4::integer[], $5::boolean[]) as a (via, agent, related) on a.via = p.via
     order by a.agent, p.seq, p.via
    on conflict do nothing
)
insert into lrs.inherited_activities (activity, seq, via)
select a.activity, p.seq, p.via
  from pairs p
  join unnest($6::bigint[], $7::integer[]) as a (via, activity) on a.via = p.via
 order by a.activity, p.seq, p.via
on conflict do nothing
