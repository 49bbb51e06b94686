-- One statement, and whether it is voided; a voiding never is.
-- $1: id. Rows: none or one. Indexes: statements_id_key, authorities_pkey, voidings_pkey.
select s.seq, s.id, s.stored, s.version, s.payload, a.document,
       s.voids is null
           and (select v.target from lrs.voidings v where v.target = s.id) is not null as voided
  from lrs.statements s
  join lrs.authorities a on a.id = s.authority
 where s.id = $1
