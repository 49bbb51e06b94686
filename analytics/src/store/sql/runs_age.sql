-- Seconds since a recomputation was last published, or since the first version was made. One row; null before that.
select extract(epoch from now() - greatest(
    (select max(r.finished) from analytics.runs r where r.status = 'done' and r.version is not null),
    (select min(v.made) from analytics.versions v)))::float8
