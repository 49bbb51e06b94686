-- Answers and voidings after position $1, stored at or before $2 and up to position $3, in order, at most $4 of them: what the lake gets next. Voided is what a statement up to position $5 voids;
-- an answer's competencies are those of the catalogue in force when it was stored. Read under published.hold_catalogue().
select f.seq, f.id, f.stored, f.kind, f.account, f.activity, f.correct, f.outcome, f."timestamp", f.has_offset,
       f.skew_ms, f.device_id, f.device_seq, f.invented_time, f.registration, f.duration_ms, f.origin, f.attempt,
       f.hints, f.offline, f.voids, coalesce(f.voided_seq <= $5, false) as voided, c.competencies
  from published.answers_feed f
  left join lateral (select h.competencies
                       from published.catalogue_history h
                      where h.activity = f.activity and h.valid_from <= f.stored
                        and (h.valid_to is null or f.stored < h.valid_to)
                      limit 1) c on f.kind = 'answer'
 where f.seq > $1 and f.stored <= $2 and f.seq <= $3
 order by f.seq
 limit $4
