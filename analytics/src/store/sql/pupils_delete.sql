-- Takes away persons who have neither a valid answer nor an evaluation left. $1 version, $2 persons.
delete from analytics.pupils where version = $1 and person = any($2)
