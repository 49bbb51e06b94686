-- Takes a content off the register, under the lock of its row.
-- $1: hash. Index: primary key.
delete from lrs.attachment_objects where sha256 = $1
