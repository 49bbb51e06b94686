-- The statements that refer to one, in pieces.
-- $1: its id; $2: after this position; $3: up to this one; $4: at most so many. Rows: seq, id, and
-- whether others refer to it in turn. Indexes: statement_refs_target, statements_pkey.
select r.seq, s.id,
       exists (select from lrs.statement_refs u where u.target = s.id and u.seq <= $3) as is_target
  from (select f.seq from lrs.statement_refs f where f.target = $1 and f.seq > $2 and f.seq <= $3
         order by f.seq limit $4::bigint) r
  join lrs.statements s on s.seq = r.seq
 order by r.seq
