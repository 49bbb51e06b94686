-- Ends at $2 what version $1 has no more, or has otherwise. Rows: none.
update recommender.catalogue_history h
   set valid_to = $2
 where h.valid_to is null
   and not exists (select from recommender.catalogue_items i
                    where i.version = $1 and i.activity = h.activity and i.document = h.document)
