-- Takes away the enrolments that are announced no more. $1 those that are.
delete from analytics.enrolments where not exists (select from unnest($1::text[]) as k (id) where k.id = sourced_id)
