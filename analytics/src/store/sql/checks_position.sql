-- Up to where answers are counted. One row: the position, 0 before the first check.
select coalesce(max(position), 0) from analytics.checks
