-- Ids of the answers that are left out. Rows: one an answer. Index: odd_answers_left_out.
select distinct statement from analytics.odd_answers where left_out
