-- States of some persons. $1 version, $2 persons. Rows: one a person and subject.
select person, subject, state from analytics.pupil_states where version = $1 and person = any($2)
