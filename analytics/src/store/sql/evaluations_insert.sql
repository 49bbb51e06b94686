-- Enters an evaluation. $1 id, $2 person, $3 competency, $4 when, $5 share, $6 degree, $7 by which application, $8 by whom.
-- Rows: 1, or 0 when the id is there.
insert into analytics.evaluations (evaluation, person, competency, at, share, degree, entered_by, entered_by_person)
values ($1, $2, $3, $4, $5, $6, $7, $8)
on conflict (evaluation) do nothing
