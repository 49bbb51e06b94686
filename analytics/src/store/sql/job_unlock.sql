-- Lets the lock of the recomputation go, before its connection is closed. One row.
select pg_advisory_unlock(hashtext('sillage analytics'), hashtext('mastery job'))
