-- The answers of some accounts that are valid at a position and not left out as odd, in no order. $1 accounts, $2 position.
-- Rows: one an answer. Indexes: lrs.answers (account, seq), odd_answers_left_out.
select f.seq, f.id, f.stored, f.kind, f.account, f.activity, f.correct, f.outcome, f."timestamp",
       f.skew_ms, f.device_id, f.device_seq, f.invented_time, f.voided_seq
from published.answers_feed f
where f.answered_by = any($1) and f.seq <= $2 and f.kind = 'answer'
  and (f.voided_seq is null or f.voided_seq > $2)
  and not exists (select from analytics.odd_answers o where o.statement = f.id and o.left_out)
