-- The integers of authorities whose hashes are given.
-- $1: hashes. Rows: hash, id; what is not known yet is left out. Index: authorities_hash_key.
select hash, id from lrs.authorities where hash = any($1::uuid[])
