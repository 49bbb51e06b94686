-- The version in force. Parameters: none. Rows: 0 or 1 (index of the primary key, backwards).
select version, uri, label, fingerprint, items, loaded
from recommender.catalogue_versions
order by version desc
limit 1
