-- How often the catalogue has changed. Rows: one.
select coalesce((select version from published.catalogue), 0)
