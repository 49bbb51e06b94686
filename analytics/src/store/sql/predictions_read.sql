-- Sums of predictions over days. $1 after this day, $2 up to this one, $3 subjects with $4 their calibrations.
-- Rows: subject, calibration, dimension, slice, bin, answers, sum expected, sum that came, variance.
select p.subject, p.calibration, p.dimension, p.slice, p.bin,
       sum(p.answers)::bigint, sum(p.expected order by p.day), sum(p.outcome order by p.day), sum(p.variance order by p.day)
from analytics.predictions p
join unnest($3::text[], $4::bigint[]) as s (subject, calibration)
    on s.subject = p.subject and s.calibration = p.calibration
where p.day > $1 and p.day <= $2
group by p.subject, p.calibration, p.dimension, p.slice, p.bin
order by p.subject, p.dimension, p.slice, p.bin
