-- Writes definitions that are held.
-- $1: activities; $2: definitions. Index: definitions_pkey.
update lrs.definitions d
   set definition = r.definition, updated = clock_timestamp()
  from unnest($1::integer[], $2::text[]) as r (activity, definition)
 where d.activity = r.activity
