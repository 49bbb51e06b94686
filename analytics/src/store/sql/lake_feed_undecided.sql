-- The answers up to position $1 that a statement after it, stored by now, voids first. Rows: their ids. Index: primary key of lrs.answers.
select t.id
  from published.answers_feed v
  join published.answers_feed t on t.seq = v.target_seq
 where v.seq > $1 and v.kind = 'voiding' and t.seq <= $1 and t.voided_seq > $1
