-- expand: the catalogue in force, the versions that were, and what others may read of it.
create schema if not exists recommender;
create schema if not exists published;

create table recommender.catalogue_versions (
    version     bigint generated always as identity primary key,
    uri         text not null,
    label       text not null,
    fingerprint text not null check (length(fingerprint) = 64),
    items       integer not null check (items >= 0),
    loaded      timestamptz not null default now()
);

-- The items of the latest version only: a new version replaces them in its transaction. Keyed by
-- position, because an IRI may be longer than an entry of a B-tree.
create table recommender.catalogue_items (
    version  bigint not null references recommender.catalogue_versions,
    position integer not null,
    activity text not null,
    document jsonb not null,
    primary key (version, position)
);

-- One row, the version in force; none before a catalogue was loaded.
create view published.catalogue as
    select version, loaded, fingerprint
    from recommender.catalogue_versions
    order by version desc
    limit 1;

-- Its items: `document` is an item of the catalogue's JSON (schemas/README.md).
create view published.catalogue_items as
    select i.activity, i.document
    from recommender.catalogue_items i
    where i.version = (select max(version) from recommender.catalogue_versions);
