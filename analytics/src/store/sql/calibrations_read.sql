-- Constants of fits. $1 numbers. Rows: subject, constants.
select subject, hyper from analytics.calibrations where calibration = any ($1)
