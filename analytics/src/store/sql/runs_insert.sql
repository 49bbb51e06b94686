-- A recomputation begins. $1 cause, $2 version, $3 model, $4 version of the lake's table, $5 seq up to which it reaches. One row: its number.
insert into analytics.runs (cause, version, model, lake_version, lake_seq) values ($1, $2, $3, $4, $5) returning run
