-- expand: which history of its cluster a database belongs to; until the lake is in line with it nothing is written and no order is final; statements that only the lake has are put back (docs/decisions/0041).

-- The history that positions belong to: the cluster's identifier, and the timeline that is written now (not
-- that of the last checkpoint, which a promotion outruns).
create function lrs.epoch() returns text
language sql stable as $$
    select (select c.system_identifier::text from pg_control_system() c) || '-'
           || ('x' || left(pg_walfile_name(pg_current_wal_insert_lsn()), 8))::bit(32)::integer::text
$$;

-- The history that the lake is in line with; one row. A backup brings the row of its own time back.
create table lrs.history (
    epoch text not null
);
insert into lrs.history (epoch) select lrs.epoch();

-- Whether this database goes on where it was. Not so after a restore, a promotion or a move to another
-- cluster: statements may be missing that were acknowledged, and the lake may have them.
create function published.is_reconciled() returns boolean
language sql stable as $$
    select case when pg_is_in_recovery() then true
                else (select h.epoch = lrs.epoch() from lrs.history h) end
$$;

comment on function published.is_reconciled() is
    'Whether the statements of this database are whole: false from a restore until the lake was compared';

-- The same for this session, asked once: a server that goes on with another history has begun anew, or left
-- its recovery, and sessions of a recovery are not told.
create function lrs.is_whole() returns boolean
language plpgsql volatile as $$
begin
    if current_setting('lrs.is_whole', true) is distinct from 'yes' then
        if not published.is_reconciled() then
            return false;
        end if;
        if not pg_is_in_recovery() then
            perform set_config('lrs.is_whole', 'yes', false);
        end if;
    end if;
    return true;
end $$;

-- As before, but refused where positions would be given that the lake has given to others.
create or replace function lrs.stamp(n integer, out stored timestamptz, out first_seq bigint)
language plpgsql volatile as $$
declare
    stored_us bigint;
begin
    if not lrs.is_whole() then
        raise exception 'this database was put back to an older state, and is not compared with its lake yet'
              using errcode = 'object_not_in_prerequisite_state';
    end if;
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

-- In place of lrs.stamp for a group that is put back: its own `stored` and positions, which were given
-- before; whatever is given later comes after them. The lock is the transaction's: nobody else writes yet.
create function lrs.put_back(n integer, inout stored timestamptz, inout first_seq bigint)
language plpgsql volatile as $$
begin
    perform pg_advisory_xact_lock(5317, 1);
    perform setval('lrs.stored_clock', greatest(c.last_value, (extract(epoch from stored) * 1000000)::bigint))
       from lrs.stored_clock c;
    perform setval('lrs.statement_seq', greatest(s.last_value, first_seq + n - 1))
       from lrs.statement_seq s;
end $$;

-- As before, but nothing is final while statements may still be put back.
create or replace function published.horizon() returns timestamptz
language plpgsql volatile as $$
declare
    now_us    bigint;
    oldest_us bigint;
begin
    if not lrs.is_whole() then
        return timestamptz 'epoch';
    end if;
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
