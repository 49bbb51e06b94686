-- The fits, newest first. $1 a number, or null for all.
-- Rows: number, subject, status, model, version and position of the lake, start, end, report, whether it is in force.
select k.calibration, k.subject, k.status, k.model, k.lake_version, k.lake_seq, k.started, k.finished, k.report,
       f.calibration is not null
from analytics.calibrations k
left join analytics.calibrations_in_force f on f.calibration = k.calibration
where $1::bigint is null or k.calibration = $1
order by k.calibration desc
