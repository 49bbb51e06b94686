-- Begins a fit. $1 subject, $2 fingerprint of the model, $3 what was asked for, $4 the share of the pupils, $5 version and
-- $6 position of the lake. One row: its number.
insert into analytics.calibrations (subject, model, asked, sample, lake_version, lake_seq)
values ($1, $2, $3, $4, $5, $6) returning calibration
