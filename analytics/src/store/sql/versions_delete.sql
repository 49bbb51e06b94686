-- Forgets an emptied version. $1 version.
delete from analytics.versions where version = $1
