-- Authorities whose agents were never entered: those that were there before there was such a table. Rows: id, document.
select a.id, a.document from lrs.authorities a
 where not exists (select from lrs.authority_agents g where g.authority = a.id)
 order by a.id
