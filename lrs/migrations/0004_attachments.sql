-- expand: attachments whose content was sent, and the register of contents.

-- A row an attachment whose content is kept, written in the transaction of its statement.
create table lrs.statement_attachments (
    seq          bigint not null,
    place        integer not null,  -- in the statement; those of a SubStatement after its own
    sha2         text not null,     -- as it was declared
    sha256       bytea not null,    -- our own: the name of the content in object storage
    length       bigint not null,   -- of the content
    content_type text not null,     -- as it was declared
    signature    text check (signature in ('unverified', 'verified', 'trusted', 'untrusted')),
    primary key (seq, place)
);
create index statement_attachments_sha256 on lrs.statement_attachments (sha256);

-- Every content that is in object storage: entered before it is put there, in a transaction of its
-- own. What no statement names is collected some time after `touched`; 'infinity' once it was seen to
-- be named. Whoever takes statements away has to set `touched` back.
create table lrs.attachment_objects (
    sha256  bytea primary key,
    length  bigint not null,
    touched timestamptz not null
);
create index attachment_objects_touched on lrs.attachment_objects (touched)
    where touched < 'infinity';
