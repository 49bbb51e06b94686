-- The odd answers of some accounts, the newest first. $1 accounts, $2 most.
-- Rows: one an answer, each with how many there are. Indexes: odd_answers_account, lrs.answers (account, seq).
select f.id, f.activity, f."timestamp", f.skew_ms, f.stored, o.signs, o.left_out, count(*) over () as there
from (select account, statement, array_agg(sign order by sign) as signs, bool_or(left_out) as left_out
      from analytics.odd_answers where account = any($1) group by account, statement) o
join published.answers_feed f on f.answered_by = o.account and f.id = o.statement and f.kind = 'answer'
order by f.seq desc
limit $2
