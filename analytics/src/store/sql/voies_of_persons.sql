-- The voie of some persons. $1 persons. Rows: person and voie, where a roster tells it.
select person, voie from analytics.users where person = any($1) and voie is not null
