-- How often the roster has changed. Rows: one.
select edition from analytics.editions where of = 'roster'
