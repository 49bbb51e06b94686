-- Takes away the classes that are announced no more, with their enrolments. $1 those that are.
delete from analytics.classes where not exists (select from unnest($1::text[]) as k (id) where k.id = sourced_id)
