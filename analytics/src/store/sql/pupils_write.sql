-- Writes sums and last keys. $1 version, $2 to $9 one array a column. Rows: one a person.
insert into analytics.pupils
    (version, person, answers, correct, last_answered_at, last_device_id, last_device_seq, last_statement, others)
select $1::bigint, p.*
from unnest($2::uuid[], $3::bigint[], $4::bigint[], $5::timestamptz[], $6::text[], $7::bigint[], $8::uuid[], $9::bytea[]) p
on conflict (version, person) do update set
    answers = excluded.answers, correct = excluded.correct,
    last_answered_at = excluded.last_answered_at, last_device_id = excluded.last_device_id,
    last_device_seq = excluded.last_device_seq, last_statement = excluded.last_statement,
    others = excluded.others
