-- Versions that nobody builds any more: their builder holds the lock of the job, and so do we.
select version from analytics.versions where status = 'building'
