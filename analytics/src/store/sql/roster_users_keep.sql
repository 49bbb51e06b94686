-- Users who are announced no more are active no more. $1 those who are.
update analytics.users set active = false where active and not exists (select from unnest($1::text[]) as k (id) where k.id = sourced_id)
