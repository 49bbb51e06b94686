-- The first version becomes the one that is served. $1 version. Rows: 1, or 0 when there is one.
insert into analytics.current (version) values ($1) on conflict do nothing
