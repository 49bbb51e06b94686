-- The statements that refer to one, in pieces.
-- $1: its id; $2: after this position; $3: up to this one; $4: at most so many. Rows: seq, id, and
-- whether others refer to it in turn. Indexes: statement_refs_target, statements_pkey.
-- Both keys are compared together: only this index has that order, whatever the planner believes of
-- how many refer to one.
select r.seq, s.id,
       coalesce((select u.target from lrs.statement_refs u
                  where (u.target, u.seq) > (s.id, 0::bigint)
                  order by u.target, u.seq limit 1) = s.id, false) as is_target
  from (select f.seq from lrs.statement_refs f
         where (f.target, f.seq) > ($1::uuid, $2::bigint) and (f.target, f.seq) <= ($1::uuid, $3::bigint)
         order by f.target, f.seq limit $4::bigint) r
 cross join lateral (select t.id from lrs.statements t where t.seq = r.seq offset 0) s
 order by r.seq
