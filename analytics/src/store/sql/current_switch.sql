-- Serves another version. $1 the new one. The caller holds the lock of `current_lock`.
with old as (
    update analytics.versions set status = 'retired' where status = 'current'
), new as (
    update analytics.versions set status = 'current' where version = $1
)
update analytics.current set version = $1
