-- Parameters of the items of fits that somebody answered. $1 numbers. Rows: item, discrimination, difficulty, its variance.
select item, a, b, s2 from analytics.calibration_items where calibration = any ($1) and answers > 0
