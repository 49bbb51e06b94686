-- How many answers have each sign. Rows: sign, answers.
select sign, count(*) from analytics.odd_answers group by sign
