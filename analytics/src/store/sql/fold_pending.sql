-- Whether there is anything to fold, looked at without a lock. One row, or none before the first version.
-- Statements above the horizon count too: the fold then finds nothing, and asks again.
select published.seq_through('infinity') > v.position
       or published.seq_through('infinity') > c.left_out_position
       or exists (select from analytics.refolds r where r.version = c.version)
from analytics.current c
join analytics.versions v on v.version = c.version
