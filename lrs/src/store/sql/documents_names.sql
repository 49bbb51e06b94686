-- The names of the documents of an activity and an agent, each once, and when the document (of
-- several registrations: the last of them) changed.
-- $1: kind; $2: activity; $3: agent; $4: registration, or null for all; $5: changed after this, or
-- null for all. Rows: name, updated. Index: documents_address.
select name, max(updated) as updated
  from lrs.documents
 where kind = $1 and activity = $2 and agent = $3
   and ($4::uuid is null or registration = $4)
   and ($5::timestamptz is null or updated > $5)
 group by name
 order by name collate "C"
