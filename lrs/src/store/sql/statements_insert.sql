-- Writes a group of statements with what they are found by, their voidings and candidate answers.
-- $1: how many; $2..$11: a column each of lrs.statements ($2: place in the group, 0-based);
-- $12, $13: further agents (place, agent); $14, $15: voidings (place, target);
-- $16..$35: columns of lrs.answers ($16: place); $37..$39: related agents (place, agent, verb);
-- $40..$42: related activities (place, activity, verb); $43, $44: references (place, target);
-- $45..$51: columns of lrs.statement_attachments ($45: place of the statement).
-- Rows: one, the group's `stored` and first position. Index: all of lrs.statements.
-- Ids and targets are written in sorted order, statements wholly before voidings (`written`), so
-- that two copies that write the same ones never wait for each other in a circle. The rows of one related
-- key are written together: an index that grows by runs keeps its pages fuller. lrs.stamp runs
-- after all parameters have arrived, just before the first row: readers wait for writers.
with stamp as materialized (
    select stored, first_seq from lrs.stamp($1::integer)
), statements as (
    insert into lrs.statements
        (seq, stored, id, registration, voids, actor, verb, activity, authority, version, payload)
    select stamp.first_seq + r.place, stamp.stored, r.id, r.registration, r.voids, r.actor, r.verb,
           r.activity, r.authority, r.version, r.payload
      from stamp,
           unnest($2::integer[], $3::uuid[], $4::uuid[], $5::uuid[], $6::integer[], $7::integer[],
                  $8::integer[], $9::integer[], $10::smallint[], $11::bytea[])
               as r (place, id, registration, voids, actor, verb, activity, authority, version, payload)
     order by r.id
    returning seq
), written as materialized (
    select count(*) as n from statements
), agents as (
    insert into lrs.statement_agents (agent, seq)
    select r.agent, stamp.first_seq + r.place
      from written, stamp, unnest($12::integer[], $13::integer[]) as r (place, agent)
), voidings as (
    insert into lrs.voidings (target, seq)
    select r.target, stamp.first_seq + r.place
      from written, stamp, unnest($14::integer[], $15::uuid[]) as r (place, target)
     order by r.target, r.place
    on conflict (target) do nothing
), answers as (
    insert into lrs.answers
        (seq, stored, id, kind, account, activity, correct, outcome, "timestamp", has_offset,
         skew_ms, device_id, device_seq, invented_time, registration, duration_ms, origin, attempt,
         hints, left_out, voids, offline)
    select stamp.first_seq + r.place, stamp.stored, r.id, r.kind, r.account, r.activity, r.correct,
           r.outcome, r."timestamp", r.has_offset, r.skew_ms, r.device_id, r.device_seq,
           r.invented_time, r.registration, r.duration_ms, r.origin, r.attempt, r.hints, r.left_out,
           r.voids, r.offline
      from written, stamp,
           unnest($16::integer[], $17::uuid[], $18::text[], $19::uuid[], $20::integer[],
                  $21::boolean[], $22::double precision[], $23::timestamptz[], $24::boolean[],
                  $25::bigint[], $26::text[], $27::bigint[], $28::boolean[], $29::uuid[],
                  $30::bigint[], $31::text[], $32::integer[], $33::integer[], $34::text[],
                  $35::uuid[], $36::boolean[])
               as r (place, id, kind, account, activity, correct, outcome, "timestamp", has_offset,
                     skew_ms, device_id, device_seq, invented_time, registration, duration_ms,
                     origin, attempt, hints, left_out, voids, offline)
), related_agents as (
    insert into lrs.related_agents (agent, seq, verb)
    select r.agent, stamp.first_seq + r.place, r.verb
      from written, stamp,
           unnest($37::integer[], $38::integer[], $39::integer[]) as r (place, agent, verb)
     order by r.agent, r.place
), related_activities as (
    insert into lrs.related_activities (activity, seq, verb)
    select r.activity, stamp.first_seq + r.place, r.verb
      from written, stamp,
           unnest($40::integer[], $41::integer[], $42::integer[]) as r (place, activity, verb)
     order by r.activity, r.place
), refs as (
    insert into lrs.statement_refs (seq, target)
    select stamp.first_seq + r.place, r.target
      from written, stamp, unnest($43::integer[], $44::uuid[]) as r (place, target)
), attachments as (
    insert into lrs.statement_attachments
        (seq, place, sha2, sha256, length, content_type, signature)
    select stamp.first_seq + r.statement, r.place, r.sha2, r.sha256, r.length, r.content_type,
           r.signature
      from written, stamp,
           unnest($45::integer[], $46::integer[], $47::text[], $48::bytea[], $49::bigint[],
                  $50::text[], $51::text[])
               as r (statement, place, sha2, sha256, length, content_type, signature)
)
select stamp.stored, stamp.first_seq from stamp, written
