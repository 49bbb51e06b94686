-- The ceiling of batches: rows of lrs.related_activities in binary. Rows: none. Index: its primary key.
copy lrs.related_activities (activity, seq, verb) from stdin (format binary)
