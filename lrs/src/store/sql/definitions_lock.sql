-- The canonical definitions of activities, held until the transaction ends, in sorted order.
-- $1: activities. Rows: activity, definition. Index: definitions_pkey.
select activity, definition from lrs.definitions
 where activity = any($1::integer[])
 order by activity
   for update
