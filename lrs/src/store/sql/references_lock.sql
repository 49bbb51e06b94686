-- Takes the right to follow references, held by this connection until it ends. Rows: one, whether it was free.
select pg_try_advisory_lock(5317, 2)
