-- Every class, or every one of a school ($1 UAI, null: all), with its school and the number of pupils. Rows: one a class, by title.
select c.class, c.title, c.school, c.school_name,
       (select count(distinct e.person)
        from analytics.enrolments e
        join analytics.users u on u.person = e.person and u.active
        where e.class = c.class and e.role = 'student')
from published.classes c
where $1::text is null or c.school_identifier = $1
order by c.title, c.class
