-- Takes the lock of checking for as long as the connection lives. One row: whether we have it.
select pg_try_advisory_lock(hashtext('sillage analytics'), hashtext('check'))
