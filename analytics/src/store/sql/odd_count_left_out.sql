-- How many answers are left out. Rows: one. Index: odd_answers_left_out.
select count(distinct statement) from analytics.odd_answers where left_out
