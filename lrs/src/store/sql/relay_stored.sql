-- The position of the last statement stored. Rows: one, 0 when there is none. Index: statements_pkey.
select published.seq_through('infinity')
