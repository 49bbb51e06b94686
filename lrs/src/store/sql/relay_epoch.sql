-- The history that positions belong to. Rows: one, the cluster's identifier and the timeline now written (not that of the last checkpoint, which a promotion outruns).
select (select system_identifier::text from pg_control_system()),
       ('x' || left(pg_walfile_name(pg_current_wal_insert_lsn()), 8))::bit(32)::integer
