-- Locks one content that no statement names, to take it away.
-- $1: registered before this. Rows: none or one, its hash. Indexes: attachment_objects_touched,
-- statement_attachments_sha256.
select o.sha256
  from lrs.attachment_objects o
 where o.touched < $1 and o.touched < 'infinity'
   and not exists (select from lrs.statement_attachments a where a.sha256 = o.sha256)
 order by o.touched
 limit 1
   for update skip locked
