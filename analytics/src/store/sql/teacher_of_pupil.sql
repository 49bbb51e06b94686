-- Which of some persons teaches a class that a pupil is in. $1 persons, $2 pupil. Rows: one, or none.
select t.person
from published.membership t
join published.membership p on p.class = t.class
where t.person = any($1) and t.role = 'teacher' and p.person = $2 and p.role = 'student'
order by t.person
limit 1
