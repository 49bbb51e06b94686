-- The statements that some refer to, directly or through others, where that is not written yet.
-- $1: positions of those that refer; $2: only what is stored up to this position; $3: how many steps
-- are followed, so that a circle ends. Rows: seq, via. Indexes: statement_refs_pkey,
-- statements_id_key, inherited_pkey. Look-ups as values, and `offset 0`: as joins the planner might
-- walk over whole tables.
with recursive chain (seq, via, target, depth) as (
    select r.seq, r.seq, r.target, 0 from lrs.statement_refs r where r.seq = any($1::bigint[])
    union all
    select c.seq, t.seq, (select n.target from lrs.statement_refs n where n.seq = t.seq), c.depth + 1
      from chain c
     cross join lateral (select s.seq from lrs.statements s
                          where s.id = c.target and s.seq <= $2 offset 0) t
     where c.target is not null and c.depth < $3::integer
)
select distinct c.seq, c.via from chain c
 where c.via <> c.seq
   and (select i.via from lrs.inherited i where i.seq = c.seq and i.via = c.via) is null
