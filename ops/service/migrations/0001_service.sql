-- expand: who may call, and the key of this installation.
create schema if not exists service;

create table service.installation (
    only_row boolean primary key default true check (only_row),
    secret   bytea not null check (length(secret) = 32),
    created  timestamptz not null default now()
);

create table service.credentials (
    key           text primary key,
    secret_sha256 bytea not null check (length(secret_sha256) = 32),
    scopes        text[] not null check (cardinality(scopes) > 0),
    label         text not null default '',
    created       timestamptz not null default now(),
    revoked       timestamptz
);

-- Services meet here: each view is owned by the service that writes what it shows.
create schema if not exists published;
