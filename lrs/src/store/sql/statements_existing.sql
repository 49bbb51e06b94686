-- The statements among the given ids that are stored, to compare them with what was sent again.
-- $1: ids. Rows: id, payload. Index: statements_id_key.
select id, payload from lrs.statements where id = any($1::uuid[])
