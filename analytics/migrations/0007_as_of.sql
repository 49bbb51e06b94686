-- Runs as of a time: they make rows of the lake and no version.
alter table analytics.runs
    alter column version drop not null,
    drop constraint runs_cause_check,
    add constraint runs_cause_check check (cause in ('model', 'request', 'schedule', 'as_of'));
