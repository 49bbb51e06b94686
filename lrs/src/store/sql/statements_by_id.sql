-- One statement, whether it is voided (a voiding never is), and whose it is.
-- $1: id. Rows: none or one. Indexes: statements_id_key, authorities_pkey, actors_pkey, voidings_pkey.
select s.seq, s.id, s.stored, s.version, s.payload, a.document, a.hash, c.account,
       s.voids is null
           and (select v.target from lrs.voidings v where v.target = s.id) is not null as voided
  from lrs.statements s
  join lrs.authorities a on a.id = s.authority
  left join lrs.actors c on c.id = s.actor
 where s.id = $1
