-- Lets the lock of a job go, before its connection, which is the job's own, is closed. One row.
select pg_advisory_unlock_all()
