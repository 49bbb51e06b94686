-- The contents that statements name, to send them along with a page.
-- $1: positions. Rows: sha2, sha256, content_type, in the order of the positions. Index: primary key.
select sha2, sha256, content_type
  from lrs.statement_attachments
 where seq = any($1::bigint[])
 order by array_position($1::bigint[], seq), place
