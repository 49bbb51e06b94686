-- expand: what the filters related_agents and related_activities find, and what a statement inherits from the statements that it refers to (docs/decisions/0016).

-- Agents by which only `related_agents` finds a statement: instructor, team, context agents and
-- groups, members of these, and all of a SubStatement's. The authority stands in its own column.
-- The verb is in the key, so that it is checked without a look at the row.
create table lrs.related_agents (
    agent integer not null,
    seq   bigint not null,
    verb  integer not null,
    primary key (agent, seq, verb)
);

-- Activities by which only `related_activities` finds a statement: context activities, and the object
-- and context activities of a SubStatement.
create table lrs.related_activities (
    activity integer not null,
    seq      bigint not null,
    verb     integer not null,
    primary key (activity, seq, verb)
);

-- Which authorities an agent is in: the Agent that one is, or a member of the Group that one is.
-- Filled before the first statement of an authority is written.
create table lrs.authority_agents (
    agent     integer not null,
    authority integer not null,
    primary key (agent, authority)
);
-- Authorities are few, and positions only grow: this index is written at its end.
create index statements_authority on lrs.statements (authority, seq);

-- Statements whose object is a StatementRef; voidings are among them.
create table lrs.statement_refs (
    seq    bigint primary key,
    target uuid not null            -- the id of the statement referred to, stored or not
);
create index statement_refs_target on lrs.statement_refs (target, seq);

-- Up to where references were followed. One row, moved on by the one worker of
-- lrs/src/references/ alone.
create table lrs.inheritance (
    single   boolean primary key default true check (single),
    position bigint not null
);
insert into lrs.inheritance (position) values (0);

-- Targets of references up to that position that are not stored up to it.
create table lrs.dangling_targets (
    target uuid primary key
);

-- What a statement inherits: a row for each statement `via` that it refers to, directly or through
-- others, with the keys of that one. All conditions of a query must hold for the same `via`, so its
-- keys stand together. Written by the worker alone, never changed.
create table lrs.inherited (
    seq          bigint not null,
    via          bigint not null,
    actor        integer,
    verb         integer not null,
    activity     integer,
    registration uuid,
    authority    integer not null,
    primary key (seq, via)
);
create index inherited_actor on lrs.inherited (actor, seq, verb, activity) where actor is not null;
create index inherited_verb on lrs.inherited (verb, seq);
create index inherited_activity on lrs.inherited (activity, seq, verb) where activity is not null;
create index inherited_registration on lrs.inherited (registration, seq) where registration is not null;
create index inherited_authority on lrs.inherited (authority, seq);

-- The further agents of `via`; `related`: found by related_agents alone.
create table lrs.inherited_agents (
    agent   integer not null,
    seq     bigint not null,
    via     bigint not null,
    related boolean not null,
    primary key (agent, seq, via)
);

-- The further activities of `via`, found by related_activities alone.
create table lrs.inherited_activities (
    activity integer not null,
    seq      bigint not null,
    via      bigint not null,
    primary key (activity, seq, via)
);

-- Up to where the order is final and references are followed: what X-Experience-API-Consistent-Through
-- says. It is published.horizon(), held back to just before the first statement whose references, or
-- references to which, may not have been followed yet.
--
-- While no reference waits and none dangles it needs no worker to move on. It never goes back: the
-- statement that holds it back was not visible when it was asked before, so its `stored` is after what
-- was answered then.
create function published.consistent_through() returns timestamptz
language plpgsql volatile as $$
declare
    horizon  timestamptz := published.horizon();
    done     bigint;
    dangling boolean;
    first    bigint;
    held     timestamptz;
begin
    -- One statement, one snapshot: what is done and what waits belong together.
    select i.position, exists (select from lrs.dangling_targets),
           (select r.seq from lrs.statement_refs r where r.seq > i.position order by r.seq limit 1)
      into done, dangling, first
      from lrs.inheritance i;
    if dangling then
        -- Any statement may be the one that is waited for.
        select s.stored into held from lrs.statements s where s.seq > done order by s.seq limit 1;
    elsif first is not null then
        select s.stored into held from lrs.statements s where s.seq = first;
    end if;
    return least(horizon, held - interval '1 microsecond');
end $$;

comment on function published.consistent_through() is
    'Up to where statements are committed, visible and found through their references';
