-- expand: documents of clients (State, profiles), and the definitions of activities.
create table lrs.documents (
    id           bigint generated always as identity primary key,
    kind         smallint not null,    -- 1: State, 2: profile of an activity, 3: profile of an agent
    activity     integer not null,     -- in lrs.activities; 0 where there is none
    agent        integer not null,     -- in lrs.actors; 0 where there is none
    name_hash    uuid not null,        -- first 16 bytes of SHA-256: a name may be longer than an entry of an index
    registration uuid,                 -- of a State, where it has one
    name         text not null,        -- stateId or profileId
    updated      timestamptz not null, -- the clock of the database; it grows with every change of a document
    content_type text not null,
    sha1         bytea not null check (octet_length(sha1) = 20), -- of the content: its entity tag
    content      bytea not null
);

-- One document has one address. All that belongs to an activity and an agent lies together.
create unique index documents_address
    on lrs.documents (kind, activity, agent, name_hash, registration) nulls not distinct;

-- What is said of an activity in statements of those who may define: merged, values as they were
-- sent. The table is written beside the statements, in transactions of its own.
create table lrs.definitions (
    activity   integer primary key,    -- in lrs.activities
    definition text not null,          -- a JSON object
    updated    timestamptz not null
);
