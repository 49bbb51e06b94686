-- A new version. $1 fingerprint of its model, $2 status. One row: its number.
insert into analytics.versions (model, status) values ($1, $2) returning version
