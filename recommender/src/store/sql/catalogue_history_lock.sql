-- Nobody holds the catalogue any more until the transaction ends (see published.hold_catalogue). Rows: one, of nothing.
select pg_advisory_xact_lock(5318, 1)
