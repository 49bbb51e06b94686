-- Deletes a document that is held.
-- $1: id. Index: documents_pkey.
delete from lrs.documents where id = $1
