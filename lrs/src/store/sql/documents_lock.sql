-- One document, held until the transaction ends, so that what is decided of it stays true.
-- $1: kind; $2: activity; $3: agent; $4: hash of its name; $5: registration; $6: whether the content
-- is wanted. Rows: none or one: id, updated, content_type, sha1, content (empty where it is not
-- wanted). Index: documents_address.
select id, updated, content_type, sha1, case when $6 then content else ''::bytea end as content
  from lrs.documents
 where kind = $1 and activity = $2 and agent = $3 and name_hash = $4
   and registration is not distinct from $5
   for update
