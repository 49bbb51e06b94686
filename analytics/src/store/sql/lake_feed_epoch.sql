-- The history that positions belong to: the cluster and its timeline, one row of two columns.
select (select system_identifier::text from pg_control_system()),
       (select timeline_id from pg_control_checkpoint())
