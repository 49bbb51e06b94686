-- Parameters of items. $1 number, $2 items, $3 discriminations, $4 difficulties, $5 their variances, $6 answers.
insert into analytics.calibration_items (calibration, item, a, b, s2, answers)
select $1, item, a, b, s2, answers
from unnest($2::bigint[], $3::float8[], $4::float8[], $5::float8[], $6::bigint[]) as t (item, a, b, s2, answers)
