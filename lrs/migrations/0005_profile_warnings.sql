-- expand: what credentials in the mode warn sent against the profile, counted by rule.
create table lrs.profile_warnings (
    credential text        not null,
    rule       text        not null,
    template   text        not null,
    location   text        not null,
    statements bigint      not null check (statements > 0),
    first      timestamptz not null,
    last       timestamptz not null,
    primary key (credential, rule, template, location)
);
