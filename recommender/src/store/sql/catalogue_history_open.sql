-- Begins at $2 what version $1 has anew, or otherwise than before. Rows: none.
insert into recommender.catalogue_history (activity, document, version, valid_from)
select i.activity, i.document, i.version, $2
  from recommender.catalogue_items i
 where i.version = $1
   and not exists (select from recommender.catalogue_history h where h.valid_to is null and h.activity = i.activity)
