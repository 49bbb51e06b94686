-- Raises an alert, or says that it is seen still. $1 kind, $2 subject, $3 calibration, $4 dimension, $5 slice, $6 day,
-- $7 evidence. One row: whether it was not seen at the check before.
with known as (
    select last_seen >= coalesce((select max(day) from analytics.checks where day < $6), $6) as still
    from analytics.alerts
    where (kind, subject, calibration, dimension, md5(slice)) = ($1, $2, $3, $4, md5($5))
),
raised as (
    insert into analytics.alerts (kind, subject, calibration, dimension, slice, raised, last_seen, evidence)
    values ($1, $2, $3, $4, $5, $6, $6, $7)
    on conflict (kind, subject, calibration, dimension, md5(slice)) do update
    set last_seen = greatest(alerts.last_seen, excluded.last_seen),
        raised = case when (select still from known) then alerts.raised else excluded.raised end,
        evidence = case when excluded.last_seen >= alerts.last_seen then excluded.evidence else alerts.evidence end
)
select not coalesce((select still from known), false)
