-- Takes the lock of the recomputation for as long as the connection lives. One row: whether we have it.
select pg_try_advisory_lock(hashtext('sillage analytics'), hashtext('mastery job'))
