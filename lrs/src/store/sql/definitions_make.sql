-- Makes empty definitions of activities that have none, in sorted order, so that two copies never
-- wait in a circle. They are filled before the transaction ends.
-- $1: activities. Index: definitions_pkey.
insert into lrs.definitions (activity, definition, updated)
select r.activity, '{}', clock_timestamp() from unnest($1::integer[]) as r (activity)
 order by r.activity
on conflict (activity) do nothing
