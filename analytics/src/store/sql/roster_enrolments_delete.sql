-- Takes away enrolments. $1 which.
delete from analytics.enrolments where sourced_id = any ($1)
