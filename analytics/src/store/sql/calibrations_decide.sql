-- A decision on a fit, told for history. $1 number, $2 status, $3 verdict, $4 what was in force before (accept only).
with decided as (
    insert into analytics.calibration_decisions (calibration, verdict) values ($1, $3)
)
update analytics.calibrations set status = $2, before = case when $3 = 'accept' then $4 else before end
where calibration = $1
