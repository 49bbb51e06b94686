-- expand: everything of the schema `analytics`, and what others may read of it in `published`.

create schema if not exists analytics;
create schema if not exists published;

-- The frameworks that were loaded, in the order of loading: the last one is in force.
create table analytics.frameworks (
    framework bigint generated always as identity primary key,
    uri text not null,
    version text not null,
    document jsonb not null,
    loaded timestamptz not null default now()
);

-- What a version of the states was computed with, so that a copy that starts later, or an audit,
-- can build the same model again. `catalogue` is the array of items.
create table analytics.models (
    fingerprint text primary key,
    framework bigint not null references analytics.frameworks,
    catalogue jsonb not null,
    made timestamptz not null default now()
);

-- A version of all states, made by one model. `position` is the seq of the feed up to which it is
-- folded; the row is locked by whoever folds. The sums go with the position.
create table analytics.versions (
    version bigint generated always as identity primary key,
    model text not null references analytics.models,
    status text not null check (status in ('building', 'current', 'retired')),
    position bigint not null default 0,
    answers bigint not null default 0,
    correct bigint not null default 0,
    pupils bigint not null default 0,
    made timestamptz not null default now()
);

-- The version that is served. Its one row is also the lock that folding, importing a roster and
-- switching the version take first, always before a row of `versions`. Candidates that count for
-- nothing are counted once for all versions, up to `left_out_position`.
create table analytics.current (
    only_row boolean primary key default true check (only_row),
    version bigint not null references analytics.versions,
    left_out_position bigint not null default 0
);

-- What the recomputations did, for the operator and for audits.
create table analytics.runs (
    run bigint generated always as identity primary key,
    cause text not null check (cause in ('model', 'request', 'schedule')),
    version bigint not null,
    model text not null,
    status text not null default 'running' check (status in ('running', 'done', 'failed')),
    started timestamptz not null default now(),
    finished timestamptz,
    lake_version bigint,
    lake_seq bigint,
    answers bigint,
    pupils bigint,
    caught_up bigint,
    failure text
);

-- A person's sums, and the key of the answer folded last: an answer with a later key is appended,
-- one with an earlier key makes the person be folded again. `others` holds what the person did of
-- items that the model does not know (the states hold the rest).
create table analytics.pupils (
    version bigint not null references analytics.versions,
    person uuid not null,
    answers bigint not null,
    correct bigint not null,
    last_answered_at timestamptz not null,
    last_device_id text,
    last_device_seq bigint,
    last_statement uuid not null,
    others bytea not null,
    primary key (version, person)
);

create table analytics.pupil_states (
    version bigint not null references analytics.versions,
    person uuid not null,
    subject text not null,
    state bytea not null,
    primary key (version, person, subject)
);
-- Floating point numbers do not compress: do not try at each write.
alter table analytics.pupil_states alter column state set storage external;

-- How often each item was answered. `item` is the first 8 bytes of the SHA-256 of the IRI: an IRI
-- may be longer than an entry of a B-tree.
create table analytics.item_usage (
    version bigint not null references analytics.versions,
    item bigint not null,
    activity text not null,
    known boolean not null,
    answers bigint not null,
    correct bigint not null,
    primary key (version, item)
);

-- How many candidates count for nothing, by reason.
create table analytics.left_out (
    reason text primary key,
    n bigint not null
);

-- Persons to fold again because their accounts changed, for each version that is alive. No key
-- over (version, person): an import may add a person while a fold takes the same one away.
create table analytics.refolds (
    refold bigint generated always as identity primary key,
    version bigint not null references analytics.versions,
    person uuid not null
);

-- Whose an account is, and was. At most one row of an account is open.
create table analytics.account_person (
    account uuid not null,
    person uuid not null,
    valid_from timestamptz not null default now(),
    valid_to timestamptz
);
create unique index account_person_open on analytics.account_person (account) where valid_to is null;
create index account_person_person on analytics.account_person (person) where valid_to is null;

-- The roster, as OneRoster 1.2 CSV announced it last. A user who is announced no more keeps the
-- row, and so the person; classes and enrolments go.
create table analytics.orgs (
    sourced_id text primary key,
    name text not null,
    kind text not null,
    identifier text,
    parent text
);

create table analytics.users (
    sourced_id text primary key,
    person uuid not null unique,
    label text not null,
    active boolean not null
);

create table analytics.classes (
    class uuid primary key,
    sourced_id text not null unique,
    title text not null,
    code text,
    school text not null,
    subjects text[] not null
);

create table analytics.enrolments (
    sourced_id text primary key,
    class uuid not null references analytics.classes on delete cascade,
    person uuid not null references analytics.users (person),
    role text not null
);
create index enrolments_class on analytics.enrolments (class, role);
create index enrolments_person on analytics.enrolments (person);

-- What others may read. Each column is a contract.

create view published.framework as
    select version, document, loaded
    from analytics.frameworks
    order by framework desc
    limit 1;

create view published.pupil_states as
    select s.person, s.subject, s.state, v.position
    from analytics.current c
    join analytics.versions v on v.version = c.version
    join analytics.pupil_states s on s.version = c.version;

create view published.account_person as
    select account, person
    from analytics.account_person
    where valid_to is null;

-- A person whom no roster announced has the first characters of the key for a label.
create view published.people as
    select u.person, u.label
    from analytics.users u
    union all
    select a.person, 'Élève ' || left(a.person::text, 8)
    from analytics.account_person a
    where a.valid_to is null
      and not exists (select from analytics.users u where u.person = a.person)
    group by a.person;

create view published.classes as
    select c.class, c.title, c.code, c.school, o.name as school_name, o.identifier as school_identifier
    from analytics.classes c
    left join analytics.orgs o on o.sourced_id = c.school;

-- A teacher is there once for each subject that the class names, or once with no subject where it
-- names none; everybody else once.
create view published.membership as
    select e.class, e.person, e.role, s.subject
    from analytics.enrolments e
    join analytics.classes c on c.class = e.class
    join analytics.users u on u.person = e.person and u.active
    left join lateral unnest(c.subjects) as s (subject) on e.role = 'teacher'
    group by e.class, e.person, e.role, s.subject;
