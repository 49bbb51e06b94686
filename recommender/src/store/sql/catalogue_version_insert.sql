-- A new version. Parameters: uri, label, fingerprint, number of items. Rows: 1.
insert into recommender.catalogue_versions (uri, label, fingerprint, items)
values ($1, $2, $3, $4)
returning version, uri, label, fingerprint, items, loaded
