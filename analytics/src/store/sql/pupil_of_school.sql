-- Whether a person is a pupil of a class of a school. $1 person, $2 UAI. One row.
select exists (
    select from published.membership m
    join published.classes c on c.class = m.class
    where m.person = $1 and m.role = 'student' and c.school_identifier = $2)
