-- Constants of fits, and priors of items. $1 numbers. Rows: subject, constants, priors or null.
select subject, hyper, priors from analytics.calibrations where calibration = any ($1)
