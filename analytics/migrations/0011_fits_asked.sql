-- expand: what a fit was asked for, and the share of the pupils that it reads: one that was stopped goes on for the same alone.

alter table analytics.calibrations
    add column asked text not null default '',
    add column sample double precision not null default 1;
