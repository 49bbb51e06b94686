-- The integers of verbs whose hashes are given.
-- $1: hashes. Rows: hash, id; what is not known yet is left out. Index: verbs_hash_key.
select hash, id from lrs.verbs where hash = any($1::uuid[])
