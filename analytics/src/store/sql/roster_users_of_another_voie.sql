-- Whose voie is another one than is known, before it is written. $1 persons, $2 their voies. Rows: one a person.
select p.person
from unnest($1::uuid[], $2::text[]) as p (person, voie)
left join analytics.users u on u.person = p.person
where u.voie is distinct from p.voie
