-- The last check. At most one row: when it was done, and its report.
select finished, report from analytics.checks order by "check" desc limit 1
