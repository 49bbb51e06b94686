-- Deletes the documents of an activity and an agent, held in sorted order first, so that two who
-- delete the same ones never wait in a circle.
-- $1: kind; $2: activity; $3: agent; $4: registration, or null for all. Indexes: documents_address,
-- documents_pkey.
delete from lrs.documents
 where id = any(array(
    select held.id
      from lrs.documents held
     where held.kind = $1 and held.activity = $2 and held.agent = $3
       and ($4::uuid is null or held.registration = $4)
     order by held.id
       for update
 ))
