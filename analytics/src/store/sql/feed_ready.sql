-- Whether the services that analytics reads from have made their views. One row: the feed, the catalogue.
select to_regclass('published.answers_feed') is not null, to_regclass('published.catalogue') is not null
