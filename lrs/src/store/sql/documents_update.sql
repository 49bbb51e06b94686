-- Writes a document that is held. Its time grows, whatever the clock does.
-- $1: id; $2: content type; $3: SHA-1; $4: content. Index: documents_pkey.
update lrs.documents
   set content_type = $2, sha1 = $3, content = $4,
       updated = greatest(clock_timestamp(), updated + interval '1 microsecond')
 where id = $1
