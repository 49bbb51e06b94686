-- Sums of the items that were answered in a month, of that month and the year before it. $1 the month, $2 subjects
-- with $3 their calibrations. Rows, by item and month: subject, calibration, item, activity, month, answers, slope, curve.
select m.subject, m.calibration, m.item, m.activity, m.month, m.answers, m.slope, m.curve
from analytics.item_months m
join unnest($2::text[], $3::bigint[]) as s (subject, calibration)
    on s.subject = m.subject and s.calibration = m.calibration
join analytics.item_months last
    on last.month = $1 and last.calibration = m.calibration and last.item = m.item
where m.month <= $1 and m.month >= $1::date - interval '1 year'
order by m.item, m.month
