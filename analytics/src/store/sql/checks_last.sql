-- The last check of the last day that was checked. At most one row: when it was done, and its report.
select finished, report from analytics.checks order by day desc, "check" desc limit 1
