-- Sums over all valid answers, of the version that is served. One row, or none before the first version.
select v.answers, v.pupils, v.correct,
       count(*) filter (where u.answers > 0),
       coalesce(sum(u.answers) filter (where not u.known), 0)::bigint
from analytics.current c
join analytics.versions v on v.version = c.version
left join analytics.item_usage u on u.version = c.version
group by v.version
