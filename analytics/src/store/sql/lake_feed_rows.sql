-- Answers and voidings after position $1 and stored at or before $2, in order, at most $3 of them: what the lake gets next.
select seq, id, stored, kind, account, activity, correct, outcome, "timestamp", has_offset, skew_ms,
       device_id, device_seq, invented_time, registration, duration_ms, origin, attempt, hints,
       voids, voided
  from published.answers_feed
 where seq > $1 and stored <= $2
 order by seq
 limit $3
