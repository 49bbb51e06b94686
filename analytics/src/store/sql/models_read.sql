-- What a model is made of. $1 fingerprint. One row: the framework's document, the catalogue's items.
select f.document, m.catalogue
from analytics.models m
join analytics.frameworks f on f.framework = m.framework
where m.fingerprint = $1
