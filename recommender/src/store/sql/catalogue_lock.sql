-- One import at a time; readers go on. Parameters: none. Rows: none.
lock table recommender.catalogue_versions in share row exclusive mode
