-- The statements after position $1 and stored at or before $2, in order, at most $3 of them and about $4 bytes: what the lake gets next (primary key).
select s.seq, s.id, s.stored, s.version, s.registration, s.voids, s.payload,
       a.account, v.iri as verb, i.iri as activity, u.document
  from (select w.*, sum(octet_length(w.payload)) over (order by w.seq) - octet_length(w.payload) as before
          from (select t.* from lrs.statements t
                 where t.seq > $1 and t.stored <= $2
                 order by t.seq limit $3) w) s
  join lrs.verbs v on v.id = s.verb
  join lrs.authorities u on u.id = s.authority
  left join lrs.actors a on a.id = s.actor
  left join lrs.activities i on i.id = s.activity
 where s.before < $4
 order by s.seq
