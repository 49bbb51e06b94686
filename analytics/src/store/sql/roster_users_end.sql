-- Users whom a delta takes away are active no more. $1 which.
update analytics.users set active = false where sourced_id = any ($1)
