-- The next rows of the feed in the final order. $1 position, $2 horizon, $3 most rows.
-- Rows: at most $3, by seq. Indexes: primary key of lrs.answers, odd_answers_left_out.
select f.seq, f.id, f.stored, f.kind, f.account, f.activity, f.correct, f.outcome, f."timestamp",
       f.skew_ms, f.device_id, f.device_seq, f.invented_time, f.voided_seq,
       exists (select from analytics.odd_answers o where o.statement = f.id and o.left_out) as odd
from published.answers_feed f
where f.seq > $1 and f.stored <= $2
order by f.seq
limit $3
