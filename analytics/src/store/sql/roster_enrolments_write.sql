-- Writes enrolments. $1 ids, $2 classes and $3 users by their ids in the roster, $4 roles. Rows: one an enrolment.
insert into analytics.enrolments (sourced_id, class, person, role)
select e.sourced_id, c.class, u.person, e.role
from unnest($1::text[], $2::text[], $3::text[], $4::text[]) as e (sourced_id, class, person, role)
join analytics.classes c on c.sourced_id = e.class
join analytics.users u on u.sourced_id = e.person
on conflict (sourced_id) do update set class = excluded.class, person = excluded.person, role = excluded.role
