-- The integers of actors whose account keys are given.
-- $1: account keys. Rows: key, id; what is not known yet is left out. Index: actors_account_key.
select account, id from lrs.actors where account = any($1::uuid[])
