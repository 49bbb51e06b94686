-- Every user of the roster, announced now or before. Rows: one a user.
select sourced_id, person from analytics.users
