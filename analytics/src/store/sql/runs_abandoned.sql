-- Recomputations whose process is gone: whoever calls this holds the lock of the job.
update analytics.runs set status = 'failed', finished = now(), failure = 'the process that ran it is gone'
where status = 'running'
