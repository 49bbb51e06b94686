-- Takes away classes, with their enrolments. $1 which.
delete from analytics.classes where sourced_id = any ($1)
