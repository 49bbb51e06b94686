-- Sums and last keys of some persons. $1 version, $2 persons. Rows: one a person who has answered or was evaluated.
select person, answers, correct, last_answered_at, last_device_id, last_device_seq, last_statement, others
from analytics.pupils
where version = $1 and person = any($2)
