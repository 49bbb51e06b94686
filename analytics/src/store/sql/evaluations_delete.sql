-- Takes back an evaluation that was entered under some keys. $1 id, $2 keys. Rows: 1, or 0 when there is none.
delete from analytics.evaluations where evaluation = $1 and person = any($2)
