-- Makes room for the items of a new version. Parameters: none. Rows: none.
delete from recommender.catalogue_items
