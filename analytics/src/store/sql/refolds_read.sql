-- Persons to fold again. $1 version. Rows: a mark and its person, some persons more than once.
select refold, person from analytics.refolds where version = $1 order by refold limit 1000
