-- The statements that have one of the ids $1 or stand at one of the positions $2. Rows: id, position. Indexes: statements_id_key, statements_pkey.
select s.id, s.seq from lrs.statements s where s.id = any($1::uuid[])
union
select s.id, s.seq from lrs.statements s where s.seq = any($2::bigint[])
