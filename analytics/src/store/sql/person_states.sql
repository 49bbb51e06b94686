-- A person with states. $1 person. Rows: one a subject, or one with null subject and state; none for an unknown person.
select v.model, v.position, n.person, n.label, p.last_answered_at, s.subject, s.state
from published.people n
cross join analytics.current c
join analytics.versions v on v.version = c.version
left join analytics.pupils p on p.version = c.version and p.person = n.person
left join analytics.pupil_states s on s.version = c.version and s.person = n.person
where n.person = $1
order by s.subject
