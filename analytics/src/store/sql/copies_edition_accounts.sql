-- How often whose an account is has changed. Rows: one.
select edition from analytics.editions where of = 'accounts'
