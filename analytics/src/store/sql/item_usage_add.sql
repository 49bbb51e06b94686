-- Adds differences to the usage of items. $1 version, $2 to $6 one array a column. Rows: one an item.
insert into analytics.item_usage (version, item, activity, known, answers, correct)
select $1::bigint, u.*
from unnest($2::bigint[], $3::text[], $4::boolean[], $5::bigint[], $6::bigint[]) u
on conflict (version, item) do update set
    answers = item_usage.answers + excluded.answers, correct = item_usage.correct + excluded.correct
