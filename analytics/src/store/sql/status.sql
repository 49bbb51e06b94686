-- How far the fold is. $1 horizon. One row, or none before the first version.
-- Columns: last stored seq, last seq below the horizon, folded seq, model, whether a version is being built.
select published.seq_through('infinity'), published.seq_through($1), v.position, v.model,
       exists (select from analytics.versions b where b.status = 'building')
from analytics.current c
join analytics.versions v on v.version = c.version
