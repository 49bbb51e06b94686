-- Raises an alert, or says that it is seen still. $1 kind, $2 subject, $3 calibration, $4 dimension, $5 slice, $6 day,
-- $7 evidence. One row: whether it is new.
insert into analytics.alerts (kind, subject, calibration, dimension, slice, raised, last_seen, evidence)
values ($1, $2, $3, $4, $5, $6, $6, $7)
on conflict (kind, subject, calibration, dimension, md5(slice)) do update
set last_seen = excluded.last_seen, evidence = excluded.evidence
returning xmax = 0
