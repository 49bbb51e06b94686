-- Takes back what was declared under some keys. $1 keys. Rows: how many went.
delete from analytics.declared_profiles where person = any($1)
