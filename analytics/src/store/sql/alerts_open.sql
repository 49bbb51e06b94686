-- How many alerts of the last day that was checked concern what is served. One row.
select count(*)
from analytics.alerts a
where a.last_seen = (select max(c.day) from analytics.checks c)
    and a.calibration = coalesce((select c.calibration from published.calibrations c where c.subject = a.subject), 0)
