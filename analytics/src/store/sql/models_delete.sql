-- Forgets the models that no version was made with; a new one is spared until its version is made.
delete from analytics.models m
where m.made < now() - interval '1 hour'
  and not exists (select from analytics.versions v where v.model = m.fingerprint)
