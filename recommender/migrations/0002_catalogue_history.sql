-- expand: which items there were, as what, from when to when.

-- An item as one catalogue after another had it, as long as it stayed the same. Kept from this migration on: nothing
-- is said of the time before.
create table recommender.catalogue_history (
    activity   text not null,
    document   jsonb not null,
    version    bigint not null references recommender.catalogue_versions, -- the first that had it so
    valid_from timestamptz not null,
    valid_to   timestamptz
);
-- By hash: an IRI may be longer than an entry of a B-tree.
create index catalogue_history_activity on recommender.catalogue_history using hash (activity);

insert into recommender.catalogue_history (activity, document, version, valid_from)
    select activity, document, version, clock_timestamp() from recommender.catalogue_items;

-- Each column is a contract. `document` is an item of the catalogue's JSON (schemas/README.md).
create view published.catalogue_history as
    select h.activity, h.version, h.valid_from, h.valid_to, h.document,
           array(select jsonb_array_elements_text(h.document -> 'competencies')) as competencies
    from recommender.catalogue_history h;

-- Until the calling transaction ends, no catalogue comes into force. Whoever calls it, and reads in a later statement
-- what was stored by then, sees every catalogue that was in force at that time, and reading again finds the same:
-- `valid_from` is drawn under the lock that this waits for.
create function published.hold_catalogue() returns void language sql volatile as $$
    select pg_advisory_xact_lock_shared(5318, 1)
$$;
