-- A fit is done. $1 number, $2 constants, $3 priors of items, $4 report. Rows: 1, 0 where it is not under way any more.
update analytics.calibrations
set status = 'proposed', finished = now(), checkpoint = null, hyper = $2, priors = $3, report = $4
where calibration = $1 and status = 'running'
