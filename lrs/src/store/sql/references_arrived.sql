-- Targets that were waited for and lie in a range of positions: after $1, up to $2. Rows: id.
-- Indexes: statements_pkey, dangling_targets_pkey. A look-up a statement, as a value: as a join the
-- planner might walk over all ids.
select s.id from lrs.statements s
 where s.seq > $1 and s.seq <= $2
   and (select d.target from lrs.dangling_targets d where d.target = s.id) is not null
 order by s.seq
