-- Versions that are served no more. Rows: one a version.
select version from analytics.versions where status = 'retired'
