-- Takes away persons who have no valid answer left. $1 version, $2 persons.
delete from analytics.pupils where version = $1 and person = any($2)
