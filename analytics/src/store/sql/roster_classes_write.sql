-- Writes classes. One array a column, subjects joined by line feeds. Rows: one a class. The key of a known class stays.
insert into analytics.classes (class, sourced_id, title, code, school, subjects)
select c.class, c.sourced_id, c.title, c.code, c.school, array_remove(string_to_array(c.subjects, e'\n'), '')
from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[])
     as c (class, sourced_id, title, code, school, subjects)
on conflict (sourced_id) do update set
    title = excluded.title, code = excluded.code, school = excluded.school, subjects = excluded.subjects
