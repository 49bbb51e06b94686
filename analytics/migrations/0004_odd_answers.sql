-- expand: answers that look as if nobody had read and thought, why, and whether they count.

-- A row a sign of an answer. What is here is looked for anew with each recomputation, and is otherwise never
-- changed: whether it is left out goes with the state of its pupil.
create table analytics.odd_answers (
    statement uuid not null,
    sign text not null check (sign in ('too_fast', 'clicking', 'shared_device')),
    account uuid not null,
    left_out boolean not null,
    found timestamptz not null default now(),
    primary key (statement, sign)
);
create index odd_answers_account on analytics.odd_answers (account);
create index odd_answers_left_out on analytics.odd_answers (statement) where left_out;

-- What the look under way has found; empty between two looks. Not logged: a look that did not end begins again.
create unlogged table analytics.odd_found (
    statement uuid not null,
    sign text not null,
    account uuid not null
);
