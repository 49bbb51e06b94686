-- expand: statements, what they are found by, their order, and the views that others read.
create schema if not exists lrs;
create schema if not exists published;

-- Dictionaries: integers in place of long keys. Filled in transactions of their own, before the
-- statements that need them, so that no statement's transaction ever waits for a shared key; an
-- entry whose statement was never written is harmless. Nothing refers to them by foreign key: a
-- check a row would cost a lock on rows that thousands share, and entries are never deleted.
create table lrs.actors (
    id      integer generated always as identity primary key,
    account uuid not null unique,   -- the key that all services derive from the identifier
    ifi     jsonb not null          -- the identifier alone, never a name of a person
);

-- IRIs are found by hash: a B-tree entry ends near 2,700 bytes, an IRI does not.
create table lrs.verbs (
    id   integer generated always as identity primary key,
    hash uuid not null unique,      -- first 16 bytes of SHA-256
    iri  text not null
);

create table lrs.activities (
    id   integer generated always as identity primary key,
    hash uuid not null unique,
    iri  text not null
);

create table lrs.authorities (
    id       integer generated always as identity primary key,
    hash     uuid not null unique,
    document text not null          -- the Agent as JSON, as it is shown
);

-- The order (D5). `stored` and `seq` are drawn together by lrs.stamp, so their orders are one.
create sequence lrs.stored_clock as bigint;    -- the last `stored` given, in microseconds since 1970
create sequence lrs.statement_seq as bigint;   -- the last position given

create table lrs.statements (
    seq          bigint primary key,
    stored       timestamptz not null,
    id           uuid not null unique,
    registration uuid,
    voids        uuid,              -- the target, when the verb is `voided`
    actor        integer,           -- null for an anonymous Group
    verb         integer not null,
    activity     integer,           -- the object, when it is an Activity
    authority    integer not null,
    version      smallint not null, -- of the request: 103 for 1.0.x, 200 for 2.0
    payload      bytea not null     -- zstd of the bytes that were sent
);
-- zstd has done it already: a second compression would cost time and gain nothing.
alter table lrs.statements alter column payload set storage external;

-- Each filter is an ordered scan of one index; the other keys in it are checked without a look at
-- the row.
create index statements_actor on lrs.statements (actor, seq, verb, activity);
create index statements_verb on lrs.statements (verb, seq);
create index statements_activity on lrs.statements (activity, seq, verb) where activity is not null;
create index statements_registration on lrs.statements (registration, seq) where registration is not null;
create index statements_stored on lrs.statements (stored, seq);

-- Agents by which a statement is found besides its actor: the object, members of groups.
create table lrs.statement_agents (
    agent integer not null,
    seq   bigint not null,
    primary key (agent, seq)
);

-- Targets of voidings, known or not yet. That a voiding cannot be voided is for the reader to heed,
-- since the target may come later.
create table lrs.voidings (
    target uuid primary key,
    seq    bigint not null          -- the first statement that voids it
);

-- What mastery is computed from: a row a candidate answer or voiding, written in the transaction of
-- its statement.
create table lrs.answers (
    seq           bigint primary key,
    id            uuid not null,
    stored        timestamptz not null,
    kind          text not null check (kind in ('answer', 'left_out', 'voiding')),
    account       uuid,
    activity      integer,
    correct       boolean,
    outcome       double precision,
    "timestamp"   timestamptz,
    has_offset    boolean,
    skew_ms       bigint,
    device_id     text,
    device_seq    bigint,
    invented_time boolean,
    registration  uuid,
    duration_ms   bigint,
    origin        text,
    attempt       integer,
    hints         integer,
    left_out      text,
    voids         uuid
);
create index answers_account on lrs.answers (account, seq);

-- The key of the lock by which a transaction that writes statements shows itself: 1441 in the upper
-- twelve bits, its `stored` in microseconds in the lower 52 (good until 2112).
create function lrs.writer_key(stored_us bigint) returns bigint
language sql immutable parallel safe
return (1441::bigint << 52) | stored_us;

-- Gives the calling transaction its `stored` and a block of n positions, and shows it as a writer
-- until it ends.
--
-- All of it happens under one lock (5317, 1) that is held for microseconds: `stored` grows strictly
-- from one call to the next whatever the clock does, positions grow with it, and whoever holds the
-- lock sees every writer that was ever given a `stored` and has not ended. The lock is the
-- session's, since one of the transaction would last until its commit. It is let go inside the
-- block on every way out of it: a cancelled query must not leave it behind (a second release is a
-- warning at most).
create function lrs.stamp(n integer, out stored timestamptz, out first_seq bigint)
language plpgsql volatile as $$
declare
    stored_us bigint;
begin
    begin
        perform pg_advisory_lock(5317, 1);
        select greatest((extract(epoch from clock_timestamp()) * 1000000)::bigint, last_value + 1)
          into stored_us from lrs.stored_clock;
        perform setval('lrs.stored_clock', stored_us);
        first_seq := nextval('lrs.statement_seq');
        if n > 1 then
            perform setval('lrs.statement_seq', first_seq + n - 1);
        end if;
        perform pg_advisory_xact_lock_shared(lrs.writer_key(stored_us));
        perform pg_advisory_unlock(5317, 1);
    exception when others or query_canceled then
        perform pg_advisory_unlock(5317, 1);
        raise;
    end;
    stored := timestamptz 'epoch' + stored_us * interval '1 microsecond';
end $$;

-- Up to where the order is final (Consistent-Through): every statement with `stored` at or before
-- it is committed and visible to any snapshot taken after this call, and none will come.
--
-- Rule for readers: call it in ONE statement, and in a LATER one (READ COMMITTED: a new snapshot)
-- read `seq > position and stored <= horizon order by seq`; the last seq read is the new position.
--
-- The clock is read and the writers are listed under the lock of lrs.stamp, so that no writer has
-- been given a `stored` and not yet shown itself. A writer lets its lock go after its commit is
-- visible: one that is no longer listed is seen by the reader's next snapshot. If the server's
-- clock is set back, positions stay right (they follow the sequence, not the clock).
create function published.horizon() returns timestamptz
language plpgsql volatile as $$
declare
    now_us    bigint;
    oldest_us bigint;
begin
    begin
        perform pg_advisory_lock_shared(5317, 1);
        select greatest((extract(epoch from clock_timestamp()) * 1000000)::bigint, last_value)
          into now_us from lrs.stored_clock;
        select min(((l.classid::bigint & 1048575) << 32) | l.objid::bigint) into oldest_us
          from pg_locks l
         where l.locktype = 'advisory' and l.objsubid = 1 and l.granted
           and l.classid::bigint >> 20 = 1441
           and l.database = (select d.oid from pg_database d where d.datname = current_database());
        perform pg_advisory_unlock_shared(5317, 1);
    exception when others or query_canceled then
        perform pg_advisory_unlock_shared(5317, 1);
        raise;
    end;
    return timestamptz 'epoch' + coalesce(oldest_us - 1, now_us) * interval '1 microsecond';
end $$;

-- New candidate answers and voidings, in the final order (see published.horizon for how to follow).
-- The account of a voiding is that of the answer it voids, null while that is not stored; `voided`
-- says whether a voiding of this row is committed.
create view published.answers_feed as
select a.seq, a.id, a.stored, a.kind,
       case when a.kind = 'voiding'
            then (select t.account from lrs.statements s join lrs.answers t on t.seq = s.seq
                   where s.id = a.voids and t.kind <> 'voiding')
            else a.account end as account,
       (select i.iri from lrs.activities i where i.id = a.activity) as activity,
       a.correct, a.outcome, a."timestamp", a.has_offset, a.skew_ms, a.device_id, a.device_seq,
       a.invented_time, a.registration, a.duration_ms, a.origin, a.attempt, a.hints, a.left_out,
       a.voids,
       a.kind <> 'voiding' and (select v.target from lrs.voidings v where v.target = a.id) is not null
           as voided,
       -- Positions of the first voiding of this row, and of the candidate that this row voids: with
       -- them what is valid at a position is a function of the rows up to it.
       case when a.kind <> 'voiding'
            then (select v.seq from lrs.voidings v where v.target = a.id) end as voided_seq,
       case when a.kind = 'voiding'
            then (select t.seq from lrs.statements s join lrs.answers t on t.seq = s.seq
                   where s.id = a.voids and t.kind <> 'voiding') end as target_seq
  from lrs.answers a;

comment on view published.answers_feed is
    'Candidate answers and voidings in the final order; follow it by published.horizon()';

-- The position of the last statement stored at or before an instant, candidate or not; 0 before the
-- first. A reader of the feed who has read all rows up to a horizon is at this position.
create function published.seq_through(horizon timestamptz) returns bigint
language sql stable parallel safe as $$
    select coalesce((select s.seq from lrs.statements s where s.stored <= horizon
                      order by s.stored desc, s.seq desc limit 1), 0)
$$;
