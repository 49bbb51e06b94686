-- The ceiling of batches: rows of lrs.statements in binary. Rows: none. Index: all of lrs.statements.
copy lrs.statements
    (seq, stored, id, registration, actor, verb, activity, authority, version, payload)
from stdin (format binary)
