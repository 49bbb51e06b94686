-- How many alerts concern what is served. One row.
select count(*)
from analytics.alerts a
where a.calibration = coalesce((select c.calibration from published.calibrations c where c.subject = a.subject), 0)
