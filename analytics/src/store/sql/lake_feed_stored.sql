-- The position of the last statement stored. Rows: one, 0 when there is none.
select published.seq_through('infinity')
