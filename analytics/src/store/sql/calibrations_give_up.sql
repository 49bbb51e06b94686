-- Gives up the fits that are under way. The caller holds the lock of `fit_lock`. Parameters: none.
update analytics.calibrations set status = 'given-up', finished = now(), checkpoint = null where status = 'running'
