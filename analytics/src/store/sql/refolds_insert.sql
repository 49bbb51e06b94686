-- Marks persons to be folded again, in every version that is alive. $1 persons.
insert into analytics.refolds (version, person)
select v.version, p.person
from analytics.versions v
cross join unnest($1::uuid[]) as p (person)
where v.status in ('building', 'current')
