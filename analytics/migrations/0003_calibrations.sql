-- expand: what was fitted, and which of it is in force.

-- A fit of one subject: under way (`checkpoint` says how far), given up, or done and then proposed,
-- accepted, refused or taken back. `model` is the fingerprint of the model that it is compared with, `lake_seq`
-- the position of the lake up to which answers count. `before` is what was in force when it was accepted.
create table analytics.calibrations (
    calibration bigint generated always as identity primary key,
    subject text not null,
    status text not null default 'running'
        check (status in ('running', 'given-up', 'proposed', 'accepted', 'refused', 'rolled-back')),
    model text not null,
    lake_version bigint not null,
    lake_seq bigint not null,
    started timestamptz not null default now(),
    finished timestamptz,
    checkpoint bytea,
    hyper jsonb,
    report jsonb,
    before bigint references analytics.calibrations
);
create unique index calibrations_running on analytics.calibrations (subject) where status = 'running';

-- Parameters of items, of fits that are done. `item` is the first 8 bytes of the SHA-256 of the IRI.
create table analytics.calibration_items (
    calibration bigint not null references analytics.calibrations,
    item bigint not null,
    a double precision not null,
    b double precision not null,
    s2 double precision not null,
    answers bigint not null,
    primary key (calibration, item)
);

-- What is in force, by subject; a subject without a row goes by the catalogue and the model's defaults.
create table analytics.calibrations_in_force (
    subject text primary key,
    calibration bigint not null references analytics.calibrations
);

-- Who reads the number of the last one knows whether anything changed.
create table analytics.calibration_decisions (
    decision bigint generated always as identity primary key,
    calibration bigint not null references analytics.calibrations,
    verdict text not null check (verdict in ('accept', 'refuse', 'roll-back')),
    decided timestamptz not null default now()
);

-- A model is made of a framework, a catalogue and calibrations, at most one a subject.
alter table analytics.models add column calibrations bigint[] not null default '{}';

-- What the states that are served were made with. Each column is a contract.
create view published.calibrations as
    select k.subject, k.calibration, k.hyper
    from analytics.current c
    join analytics.versions v on v.version = c.version
    join analytics.models m on m.fingerprint = v.model
    join analytics.calibrations k on k.calibration = any (m.calibrations);

create view published.calibration_items as
    select p.calibration, i.item, i.a, i.b, i.s2
    from published.calibrations p
    join analytics.calibration_items i on i.calibration = p.calibration;

-- What was predicted before each answer and what came, summed by the day on which it was stored (UTC), by
-- slice and by 20 bins of the prediction. Each answer is counted once in each dimension (once in each of its
-- domains). `calibration` is 0 for the catalogue and the defaults.
create table analytics.predictions (
    day date not null,
    subject text not null,
    calibration bigint not null,
    dimension text not null check (dimension in ('subject', 'domain', 'kind', 'turn')),
    slice text not null,
    bin smallint not null check (bin between 0 and 19),
    answers bigint not null,
    expected double precision not null,
    outcome double precision not null,
    variance double precision not null
);
-- A slice's name is a URI that may be longer than an entry of a B-tree.
create unique index predictions_key
    on analytics.predictions (day, subject, calibration, dimension, md5(slice), bin);

-- What each month's answers say of an item's difficulty: slope and curvature of their log likelihood.
create table analytics.item_months (
    month date not null,
    calibration bigint not null,
    item bigint not null,
    subject text not null,
    activity text not null,
    answers bigint not null,
    slope double precision not null,
    curve double precision not null,
    primary key (month, calibration, item)
);

-- The checks. `position` is the place of the feed up to which every answer is counted above: it is written in
-- the transaction that counts them.
create table analytics.checks (
    "check" bigint generated always as identity primary key,
    day date not null,
    position bigint not null,
    answers bigint not null,
    started timestamptz not null,
    finished timestamptz not null default now(),
    report jsonb not null
);

-- What a check found. It stands for as long as its calibration is served.
create table analytics.alerts (
    alert bigint generated always as identity primary key,
    kind text not null check (kind in ('calibration', 'drift')),
    subject text not null,
    calibration bigint not null,
    dimension text not null,
    slice text not null,
    raised date not null,
    last_seen date not null,
    evidence jsonb not null
);
create unique index alerts_key on analytics.alerts (kind, subject, calibration, dimension, md5(slice));
