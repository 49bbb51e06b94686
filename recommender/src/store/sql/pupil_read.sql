-- One pupil: whether the key is anybody's, and the states by subject. Parameters: person. Rows: one
-- per subject answered, at least one (nulls when nothing was answered yet). Indexes: those of
-- analytics on the person, and the key of its states.
select p.known, s.subject, s.state
from (select exists (select from published.people where person = $1) as known) p
left join published.pupil_states s on s.person = $1
