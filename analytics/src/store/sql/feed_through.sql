-- The position of the last statement at or before a horizon. $1 horizon. One row.
select published.seq_through($1)
