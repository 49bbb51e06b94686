-- Adds to sums of predictions. $1 days, $2 subjects, $3 calibrations, $4 dimensions, $5 slices, $6 bins, $7 answers,
-- $8 sums expected, $9 sums that came, $10 variances.
insert into analytics.predictions as p (day, subject, calibration, dimension, slice, bin, answers, expected, outcome, variance)
select * from unnest($1::date[], $2::text[], $3::bigint[], $4::text[], $5::text[], $6::smallint[], $7::bigint[],
                     $8::float8[], $9::float8[], $10::float8[])
on conflict (day, subject, calibration, dimension, md5(slice), bin) do update
set answers = p.answers + excluded.answers, expected = p.expected + excluded.expected,
    outcome = p.outcome + excluded.outcome, variance = p.variance + excluded.variance
