-- The newest statements of an actor that are not voided, for the names that it has in them.
-- $1: actor; $2: how many. Rows: payload. Indexes: statements_actor, voidings_pkey.
select s.payload
  from lrs.statements s
 where s.actor = $1
   and not exists (select from lrs.voidings v where v.target = s.id)
 order by s.seq desc
 limit $2
