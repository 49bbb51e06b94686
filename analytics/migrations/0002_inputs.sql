-- expand: what is known of a pupil besides the answers: the declared profile, and evaluations made outside.

-- A degree by domain, as the pupil declared it, and nothing else of any test. `person` is the key
-- under which it was declared: where that was an account's own key and the account is somebody's now,
-- it is that person's. `domain_key` is the first 8 bytes of the SHA-256 of the URI, which may be longer
-- than an entry of a B-tree.
create table analytics.declared_profiles (
    person uuid not null,
    domain_key bigint not null,
    domain text not null,
    degree smallint not null check (degree between 1 and 6),
    declared timestamptz not null default now(),
    primary key (person, domain_key)
);

-- What a teacher entered: a share of success or a degree, of one competency. `entered_by` is the key
-- of the credential. `person` as above.
create table analytics.evaluations (
    evaluation uuid primary key,
    person uuid not null,
    competency text not null,
    at timestamptz not null,
    share double precision check (share between 0 and 1),
    degree smallint check (degree between 1 and 6),
    entered timestamptz not null default now(),
    entered_by text not null,
    check ((share is null) <> (degree is null))
);
create index evaluations_person on analytics.evaluations (person);
