-- Which framework and which catalogue are in force. One row: their numbers, 0 where there is none.
select coalesce((select max(framework) from analytics.frameworks), 0),
       coalesce((select version from published.catalogue), 0)
