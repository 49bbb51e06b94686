-- Registers contents before they get their places, in sorted order.
-- $1: hashes, $2: lengths. Index: primary key. Waits while the sweep takes one of them away. What is
-- marked as named stays so.
insert into lrs.attachment_objects as o (sha256, length, touched)
select r.sha256, r.length, clock_timestamp()
  from unnest($1::bytea[], $2::bigint[]) as r (sha256, length)
 order by r.sha256
    on conflict (sha256) do update set touched = excluded.touched
       where o.touched < excluded.touched
