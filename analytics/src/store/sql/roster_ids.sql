-- What the roster knows already, for references of a delta. Rows: kind and id.
select 'org', sourced_id from analytics.orgs
union all select 'user', sourced_id from analytics.users where active
union all select 'class', sourced_id from analytics.classes
