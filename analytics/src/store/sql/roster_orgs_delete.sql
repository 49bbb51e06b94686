-- Takes away organisations. $1 which.
delete from analytics.orgs where sourced_id = any ($1)
