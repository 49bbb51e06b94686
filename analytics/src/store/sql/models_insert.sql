-- Keeps what a model is made of. $1 fingerprint, $2 framework, $3 catalogue, $4 calibrations, $5 weight of the voie. Rows: 1.
-- Labels are not in the fingerprint: the newest ones are kept.
insert into analytics.models (fingerprint, framework, catalogue, calibrations, voie_weight) values ($1, $2, $3, $4, $5)
on conflict (fingerprint) do update
set framework = excluded.framework, catalogue = excluded.catalogue, calibrations = excluded.calibrations, made = now()
