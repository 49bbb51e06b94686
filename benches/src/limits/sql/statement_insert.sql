-- The ceiling of single posts: the rows of one statement, in a transaction of their own.
-- $1..$8: a row of lrs.statements, seq and stored apart; $9..$23: one of lrs.answers ($9: its kind,
-- null where the statement is no answer); $24: activities of rows of lrs.related_activities.
-- Rows: none. Index: all of the three tables, as the LRS fills them.
-- seq and stored cost what PostgreSQL takes for them at least: a sequence and a clock. The order over
-- all writers, which the LRS keeps besides, is left out, and so are look-ups and dictionaries.
with statement as (
    insert into lrs.statements
        (seq, stored, id, registration, actor, verb, activity, authority, version, payload)
    values (nextval('lrs.statement_seq'), clock_timestamp(), $1, $2, $3, $4, $5, $6, $7, $8)
    returning seq, stored, id, registration, activity, verb
), related as (
    insert into lrs.related_activities (activity, seq, verb)
    select r.activity, statement.seq, statement.verb from statement, unnest($24::integer[]) as r (activity)
)
insert into lrs.answers
    (seq, stored, id, registration, activity, kind, account, correct, outcome, "timestamp",
     has_offset, skew_ms, device_id, device_seq, invented_time, duration_ms, origin, attempt, hints,
     offline)
select seq, stored, id, registration, activity, $9::text, $10::uuid, $11::boolean,
       $12::double precision, $13::timestamptz, $14::boolean, $15::bigint, $16::text, $17::bigint,
       $18::boolean, $19::bigint, $20::text, $21::integer, $22::integer, $23::boolean
  from statement
 where $9::text is not null
