-- What the LRS and the recommender publish, by hand: services never depend on each other, not in
-- tests either. Columns and meaning are those of their views.
create schema if not exists published;
create schema neighbours;

create table neighbours.rows (
    seq bigint primary key,
    id uuid not null unique,
    stored timestamptz not null,
    kind text not null,
    account uuid,
    activity text,
    correct boolean,
    outcome double precision,
    "timestamp" timestamptz,
    skew_ms bigint,
    device_id text,
    device_seq bigint,
    invented_time boolean,
    left_out text,
    voids uuid
);
create index on neighbours.rows (voids);
-- Set by a test to hold the order back; the clock otherwise.
create table neighbours.held (horizon timestamptz not null);

create function published.horizon() returns timestamptz language sql volatile
return coalesce((select horizon from neighbours.held), clock_timestamp());

create view published.answers_feed as
select r.seq, r.id, r.stored, r.kind,
       case when r.kind = 'voiding'
            then (select t.account from neighbours.rows t where t.id = r.voids and t.kind in ('answer', 'left_out'))
            else r.account end as account,
       r.activity, r.correct, r.outcome, r."timestamp", true as has_offset, r.skew_ms, r.device_id, r.device_seq,
       r.invented_time, null::uuid as registration, null::bigint as duration_ms, null::text as origin,
       null::integer as attempt, null::integer as hints, null::boolean as offline, r.left_out, r.voids,
       exists (select from neighbours.rows v where v.voids = r.id) as voided,
       (select min(v.seq) from neighbours.rows v where v.voids = r.id) as voided_seq,
       (select t.seq from neighbours.rows t where t.id = r.voids and t.kind in ('answer', 'left_out')) as target_seq,
       case when r.kind <> 'voiding' then r.account end as answered_by
from neighbours.rows r
where r.kind <> 'other';

create function published.seq_through(horizon timestamptz) returns bigint language sql stable
return coalesce((select max(r.seq) from neighbours.rows r where r.stored <= horizon), 0);

create table neighbours.catalogues (version bigint generated always as identity, fingerprint text not null);
create table neighbours.items (
    activity text not null,
    document jsonb not null,
    valid_from timestamptz not null default '2000-01-01T00:00:00Z',
    valid_to timestamptz
);

create view published.catalogue as
    select version, now() as loaded, fingerprint from neighbours.catalogues order by version desc limit 1;
create view published.catalogue_items as
    select activity, document from neighbours.items where valid_to is null;
create view published.catalogue_history as
    select activity, 1::bigint as version, valid_from, valid_to, document,
           array(select jsonb_array_elements_text(document -> 'competencies')) as competencies
    from neighbours.items;
create function published.hold_catalogue() returns void language sql volatile
return null;
