-- Evaluations entered under some keys. $1 keys. Rows: one an evaluation, in the order of the fold.
select evaluation, person as key, competency, at, share, degree, entered, entered_by, entered_by_person
from analytics.evaluations
where person = any($1)
order by at, evaluation
