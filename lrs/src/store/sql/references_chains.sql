-- The statements that some refer to, directly or through others, where that is not written yet.
-- $1: positions of those that refer; $2: only what is stored up to this position; $3: how many steps
-- are followed, so that a circle ends. Rows: seq, via. Indexes: statement_refs_pkey,
-- statements_id_key, inherited_pkey.
with recursive chain (seq, via, depth) as (
    select r.seq, t.seq, 1
      from lrs.statement_refs r
      join lrs.statements t on t.id = r.target
     where r.seq = any($1::bigint[]) and t.seq <= $2
    union all
    select c.seq, t.seq, c.depth + 1
      from chain c
      join lrs.statement_refs r on r.seq = c.via
      join lrs.statements t on t.id = r.target
     where t.seq <= $2 and c.depth < $3::integer
)
select distinct c.seq, c.via from chain c
 where c.via <> c.seq
   and not exists (select from lrs.inherited i where i.seq = c.seq and i.via = c.via)
 order by c.seq, c.via
