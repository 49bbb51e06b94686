-- One evaluation by its id. $1 id. Rows: at most one.
select evaluation, person as key, competency, at, share, degree, entered, entered_by, entered_by_person
from analytics.evaluations
where evaluation = $1
