-- Forgets what a look has found.
delete from analytics.odd_found
