-- What time it is, by the database's clock. Rows: 1.
select clock_timestamp()
