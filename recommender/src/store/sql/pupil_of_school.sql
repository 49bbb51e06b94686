-- Whether a person is a pupil of a class of a school. Parameters: person, UAI. Rows: 1. Indexes:
-- those of analytics on the person.
select exists (
    select from published.membership m
    join published.classes c on c.class = m.class
    where m.person = $1 and m.role = 'student' and c.school_identifier = $2)
