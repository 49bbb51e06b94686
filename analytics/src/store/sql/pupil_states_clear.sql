-- Takes away some rows of a version. $1 version, $2 most rows. Rows: how many went.
delete from analytics.pupil_states
where ctid = any (array(select ctid from analytics.pupil_states where version = $1 limit $2))
