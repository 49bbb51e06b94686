-- contract: fewer bytes for a statement: no index on `stored`, whose order `seq` has, and the two related tables without padding.

-- The position of the last statement stored at or before an instant; 0 before the first. `stored` grows
-- with `seq`, so it is found by halves: one look into the primary key for each bit of the last position.
create function lrs.position_at(instant timestamptz) returns bigint
language plpgsql stable parallel safe as $$
declare
    low  bigint := 0;       -- nothing in (found, low] is stored at all
    high bigint;            -- what stands here was stored after the instant
    found bigint := 0;      -- stored by then
    half bigint;
    place bigint;
    at timestamptz;
begin
    select s.seq, s.stored into place, at from lrs.statements s order by s.seq desc limit 1;
    if place is null or at <= instant then
        return coalesce(place, 0);
    end if;
    high := place;
    while high - low > 1 loop
        half := low + (high - low) / 2;
        select s.seq, s.stored into place, at from lrs.statements s
         where s.seq <= half and s.seq > low order by s.seq desc limit 1;
        if place is null then
            low := half;
        elsif at <= instant then
            found := place;
            low := half;
        else
            high := place;
        end if;
    end loop;
    return found;
end $$;

create or replace function published.seq_through(horizon timestamptz) returns bigint
language sql stable parallel safe as $$
    select lrs.position_at(horizon)
$$;

drop index lrs.statements_stored;

-- The eight bytes first: 16 bytes a row where there were 24.
alter table lrs.related_agents rename to old_related_agents;
alter index lrs.related_agents_pkey rename to old_related_agents_pkey;
create table lrs.related_agents (
    seq   bigint not null,
    agent integer not null,
    verb  integer not null,
    primary key (agent, seq, verb)
);
insert into lrs.related_agents (seq, agent, verb)
    select seq, agent, verb from lrs.old_related_agents order by agent, seq;
drop table lrs.old_related_agents;

alter table lrs.related_activities rename to old_related_activities;
alter index lrs.related_activities_pkey rename to old_related_activities_pkey;
create table lrs.related_activities (
    seq      bigint not null,
    activity integer not null,
    verb     integer not null,
    primary key (activity, seq, verb)
);
insert into lrs.related_activities (seq, activity, verb)
    select seq, activity, verb from lrs.old_related_activities order by activity, seq;
drop table lrs.old_related_activities;
