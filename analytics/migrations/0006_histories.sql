-- expand: who was in which class from when to when, and how often what the lake has copies of has changed.

-- What enrolments said, from one import to another.
create table analytics.roster_history (
    person uuid not null,
    class uuid not null,
    role text not null,
    school text not null,   -- its code, or its id where it has none
    subjects text[] not null,
    valid_from timestamptz not null,
    valid_to timestamptz
);
create unique index roster_history_open on analytics.roster_history (person, class, role) where valid_to is null;

-- What they say now.
create view analytics.roster_now as
    select distinct e.person, e.class, e.role, coalesce(o.identifier, c.school) as school, c.subjects
    from analytics.enrolments e
    join analytics.classes c on c.class = e.class
    join analytics.users u on u.person = e.person and u.active
    left join analytics.orgs o on o.sourced_id = c.school;

insert into analytics.roster_history (person, class, role, school, subjects, valid_from)
    select person, class, role, school, subjects, now() from analytics.roster_now;

-- Whoever reads a number here and the rows in one snapshot knows later, by the number alone, whether they are still
-- the same. All who change accounts or the roster hold the lock of analytics.current, so nobody waits for it here.
create table analytics.editions (
    of text primary key,
    edition bigint not null
);
insert into analytics.editions values ('accounts', 1), ('roster', 1);

create function analytics.next_edition() returns trigger language plpgsql as $$
begin
    if exists (select from changed) then
        update analytics.editions set edition = edition + 1 where of = tg_argv[0];
    end if;
    return null;
end $$;

create trigger accounts_inserted after insert on analytics.account_person
    referencing new table as changed for each statement execute function analytics.next_edition('accounts');
create trigger accounts_updated after update on analytics.account_person
    referencing new table as changed for each statement execute function analytics.next_edition('accounts');
create trigger accounts_deleted after delete on analytics.account_person
    referencing old table as changed for each statement execute function analytics.next_edition('accounts');
create trigger roster_inserted after insert on analytics.roster_history
    referencing new table as changed for each statement execute function analytics.next_edition('roster');
create trigger roster_updated after update on analytics.roster_history
    referencing new table as changed for each statement execute function analytics.next_edition('roster');
create trigger roster_deleted after delete on analytics.roster_history
    referencing old table as changed for each statement execute function analytics.next_edition('roster');
