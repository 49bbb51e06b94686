-- Seconds since the last check, or since the first version was made. One row; null before that.
select extract(epoch from now() - coalesce(
    (select max(finished) from analytics.checks),
    (select min(made) from analytics.versions)))::float8
