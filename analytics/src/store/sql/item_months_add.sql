-- Adds to sums of items. $1 months, $2 calibrations, $3 items, $4 subjects, $5 activities, $6 answers, $7 slopes,
-- $8 curvatures.
insert into analytics.item_months as m (month, calibration, item, subject, activity, answers, slope, curve)
select * from unnest($1::date[], $2::bigint[], $3::bigint[], $4::text[], $5::text[], $6::bigint[], $7::float8[], $8::float8[])
on conflict (month, calibration, item) do update
set answers = m.answers + excluded.answers, slope = m.slope + excluded.slope, curve = m.curve + excluded.curve
