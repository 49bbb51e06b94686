-- The last day that was checked, and the seconds since that, or since the first version was made. One row; nulls before that.
select last.day, extract(epoch from now() - coalesce(
    (select max(c.finished) from analytics.checks c where c.day = last.day),
    (select min(v.made) from analytics.versions v)))::float8
from (select max(day) as day from analytics.checks) last
