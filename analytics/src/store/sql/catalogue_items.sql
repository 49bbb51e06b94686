-- The items of the catalogue in force, by activity. Rows: one an item.
select document from published.catalogue_items order by activity
