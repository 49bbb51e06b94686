-- What was in force before a fit was accepted. $1 number. One row: its number or null.
select before from analytics.calibrations where calibration = $1
