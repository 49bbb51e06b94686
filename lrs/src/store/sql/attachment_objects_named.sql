-- Marks registered contents that a statement names, so that no sweep looks at them again.
-- $1: registered before this. Indexes: attachment_objects_touched, statement_attachments_sha256.
update lrs.attachment_objects o
   set touched = 'infinity'
 where o.sha256 in (
        select c.sha256
          from lrs.attachment_objects c
         where c.touched < $1 and c.touched < 'infinity'
           and exists (select from lrs.statement_attachments a where a.sha256 = c.sha256)
           for update skip locked)
