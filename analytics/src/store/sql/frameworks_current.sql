-- The framework in force. One row.
select framework, document from analytics.frameworks order by framework desc limit 1
