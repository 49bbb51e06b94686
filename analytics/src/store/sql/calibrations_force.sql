-- Puts a fit in force. $1 subject, $2 number.
insert into analytics.calibrations_in_force (subject, calibration) values ($1, $2)
on conflict (subject) do update set calibration = excluded.calibration
