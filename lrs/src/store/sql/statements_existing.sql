-- The statements among the given ids that are stored, to compare them with what was sent again, and who vouches for them.
-- $1: ids. Rows: id, payload, hash of the authority. Indexes: statements_id_key, authorities_pkey.
select s.id, s.payload, a.hash
  from lrs.statements s
  join lrs.authorities a on a.id = s.authority
 where s.id = any($1::uuid[])
