-- Targets that were waited for and lie in a range of positions: after $1, up to $2. Rows: id.
-- Indexes: statements_id_key, or statements_pkey and dangling_targets_pkey.
select s.id from lrs.dangling_targets d join lrs.statements s on s.id = d.target
 where s.seq > $1 and s.seq <= $2
 order by s.seq
