-- Writes a document that is new. Waits for another that writes the same one, and then writes none.
-- $1: kind; $2: activity; $3: agent; $4: hash of its name; $5: registration; $6: its name;
-- $7: content type; $8: SHA-1; $9: content. Rows: one if it was new. Index: documents_address.
insert into lrs.documents
    (kind, activity, agent, name_hash, registration, name, content_type, sha1, content, updated)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, clock_timestamp())
on conflict (kind, activity, agent, name_hash, registration) do nothing
returning id
