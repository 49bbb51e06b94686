-- The voie of every pupil of whom a roster tells it. Rows: person and voie.
select person, voie from analytics.users where voie is not null
