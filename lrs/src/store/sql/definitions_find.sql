-- The canonical definitions of activities that have one.
-- $1: activities. Rows: activity, definition. Index: definitions_pkey.
select activity, definition from lrs.definitions where activity = any($1::integer[])
