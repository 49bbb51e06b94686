-- Leaves out what has one of these signs, and nothing else. $1 signs. Rows: the account of each answer for which that is new.
update analytics.odd_answers
set left_out = not left_out
where left_out <> (sign = any($1::text[]))
returning account
