-- French titles of some activities of the catalogue in force. $1 IRIs. Rows: one an activity that has one.
select activity, document -> 'title' ->> 'fr'
from published.catalogue_items
where activity = any($1) and document -> 'title' ->> 'fr' is not null
