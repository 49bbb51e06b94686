-- Takes away states. $1 version, $2 persons and $3 subjects, pair by pair.
delete from analytics.pupil_states p
using unnest($2::uuid[], $3::text[]) as gone (person, subject)
where p.version = $1 and p.person = gone.person and p.subject = gone.subject
