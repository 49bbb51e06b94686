-- How many candidates count for nothing. Rows: one a reason, by reason.
select reason, n from analytics.left_out where n > 0 order by reason
