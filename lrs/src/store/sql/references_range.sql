-- What the worker of references does next, up to the horizon $1; asked in a later statement than the horizon.
-- $2: references at most; $3: statements at most, where any of them may be a target that is waited for.
-- Rows: one: its position, whether targets dangle, whether references wait, and the end of the next
-- range, which is the position where nothing can be done yet.
-- Indexes: statement_refs_pkey, statements_pkey.
with place as materialized (
    select i.position, published.seq_through($1) as last,
           exists (select from lrs.dangling_targets) as dangling
      from lrs.inheritance i
)
select p.position, p.dangling,
       exists (select from lrs.statement_refs r where r.seq > p.position) as waiting,
       greatest(p.position, least(p.last,
           (select r.seq from lrs.statement_refs r where r.seq > p.position
             order by r.seq offset $2::bigint - 1 limit 1),
           case when p.dangling
                then (select s.seq from lrs.statements s where s.seq > p.position
                       order by s.seq offset $3::bigint - 1 limit 1) end)) as upto
  from place p
