-- The integers of activities whose hashes are given.
-- $1: hashes. Rows: hash, id; what is not known yet is left out. Index: activities_hash_key.
select hash, id from lrs.activities where hash = any($1::uuid[])
