-- The statements at some positions ($1), to read out what others inherit. Rows: seq, payload. Index: statements_pkey.
select seq, payload from lrs.statements where seq = any($1::bigint[]) order by seq
