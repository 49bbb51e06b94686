-- Positions and ids of the statements after position $1 and up to $2, in order, at most $3 of them. Rows: seq, id. Index: statements_pkey.
select s.seq, s.id from lrs.statements s
 where s.seq > $1 and s.seq <= $2
 order by s.seq
 limit $3
