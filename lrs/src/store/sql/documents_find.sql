-- One document.
-- $1: kind; $2: activity; $3: agent; $4: hash of its name; $5: registration. Rows: none or one: id,
-- updated, content_type, sha1, content. Index: documents_address.
select id, updated, content_type, sha1, content
  from lrs.documents
 where kind = $1 and activity = $2 and agent = $3 and name_hash = $4
   and registration is not distinct from $5
