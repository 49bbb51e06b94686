-- Takes away the organisations that are announced no more. $1 those that are.
delete from analytics.orgs where not exists (select from unnest($1::text[]) as k (id) where k.id = sourced_id)
