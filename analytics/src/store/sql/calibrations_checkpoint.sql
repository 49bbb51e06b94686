-- Keeps how far a fit is. $1 number, $2 checkpoint.
update analytics.calibrations set checkpoint = $2 where calibration = $1 and status = 'running'
