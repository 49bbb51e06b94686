-- Answers and voidings after position $1, stored at or before $2 and up to position $3, in order, at most $4 of them: what the lake gets next. Voided is what a statement up to position $5 voids.
select seq, id, stored, kind, account, activity, correct, outcome, "timestamp", has_offset, skew_ms,
       device_id, device_seq, invented_time, registration, duration_ms, origin, attempt, hints,
       voids, coalesce(voided_seq <= $5, false) as voided
  from published.answers_feed
 where seq > $1 and stored <= $2 and seq <= $3
 order by seq
 limit $4
