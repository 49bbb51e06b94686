-- Takes away some rows of a version. $1 version, $2 most rows. Rows: how many went.
delete from analytics.pupils
where ctid = any (array(select ctid from analytics.pupils where version = $1 limit $2))
