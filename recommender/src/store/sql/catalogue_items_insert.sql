-- The items of a version, in the order given. Parameters: version, activities, documents (JSON as
-- text). Rows: none.
insert into recommender.catalogue_items (version, position, activity, document)
select $1, i.position, i.activity, i.document::jsonb
from unnest($2::text[], $3::text[]) with ordinality as i (activity, document, position)
