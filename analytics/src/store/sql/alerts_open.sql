-- How many alerts of the last check concern what is served. One row.
select count(*)
from (select report from analytics.checks order by day desc, "check" desc limit 1) c,
    jsonb_array_elements(c.report -> 'alerts') a
where (a ->> 'calibration')::bigint = coalesce(
    (select p.calibration from published.calibrations p where p.subject = a ->> 'subject'), 0)
