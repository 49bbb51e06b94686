-- A class's pupils with their states. $1 class. Rows: one a pupil and subject, subject and state null for
-- who has not answered; by label. Columns 1 and 2 are the version's model and position.
select v.model, v.position, e.person, u.label, p.last_answered_at, s.subject, s.state
from (select distinct person from analytics.enrolments where class = $1 and role = 'student') e
join analytics.users u on u.person = e.person and u.active
cross join analytics.current c
join analytics.versions v on v.version = c.version
left join analytics.pupils p on p.version = c.version and p.person = e.person
left join analytics.pupil_states s on s.version = c.version and s.person = e.person
order by u.label, e.person, s.subject
