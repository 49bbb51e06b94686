-- What a model is made of. $1 fingerprint. One row: the framework's document, the catalogue's items, the
-- numbers of the calibrations, the weight of the voie.
select f.document, m.catalogue, m.calibrations, m.voie_weight
from analytics.models m
join analytics.frameworks f on f.framework = m.framework
where m.fingerprint = $1
