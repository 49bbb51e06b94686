-- The version that is served, and its model. One row, or none before the first version.
select c.version, v.model, v.position
from analytics.current c
join analytics.versions v on v.version = c.version
