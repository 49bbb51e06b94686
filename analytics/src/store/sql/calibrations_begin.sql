-- Begins a fit. $1 subject, $2 fingerprint of the model, $3 version and $4 position of the lake. One row: its number.
insert into analytics.calibrations (subject, model, lake_version, lake_seq) values ($1, $2, $3, $4) returning calibration
