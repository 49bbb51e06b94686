-- expand: what a fit expects of items that nobody has answered: by set of competencies, and what a level says.

alter table analytics.calibrations add column priors jsonb;

create or replace view published.calibrations as
    select k.subject, k.calibration, k.hyper, k.priors
    from analytics.current c
    join analytics.versions v on v.version = c.version
    join analytics.models m on m.fingerprint = v.model
    join analytics.calibrations k on k.calibration = any (m.calibrations);
