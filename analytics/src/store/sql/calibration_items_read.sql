-- Parameters of the items of fits. $1 numbers. Rows: item, discrimination, difficulty, its variance.
select item, a, b, s2 from analytics.calibration_items where calibration = any ($1)
