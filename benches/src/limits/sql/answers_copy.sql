-- The ceiling of batches: rows of lrs.answers in binary. Rows: none. Index: all of lrs.answers.
copy lrs.answers
    (seq, stored, id, registration, activity, kind, account, correct, outcome, "timestamp",
     has_offset, skew_ms, device_id, device_seq, invented_time, duration_ms, origin, attempt, hints,
     offline)
from stdin (format binary)
