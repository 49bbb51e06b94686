-- Writes states. $1 version, $2 persons, $3 subjects, $4 states. Rows: one a person and subject.
insert into analytics.pupil_states (version, person, subject, state)
select $1::bigint, s.*
from unnest($2::uuid[], $3::text[], $4::bytea[]) s
on conflict (version, person, subject) do update set state = excluded.state
