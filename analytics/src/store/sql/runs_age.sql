-- Seconds since a recomputation was last published, or since the first version was made. One row; null before that.
select extract(epoch from now() - greatest(
    (select max(r.finished) from analytics.runs r where r.status = 'done'),
    (select min(v.made) from analytics.versions v)))::float8
