-- A range is done, all at once: the worker's position moves from $1 to $2, targets that arrived ($3) are no longer waited for, those that are not stored up to $2 are.
-- Rows: one; none when another worker moved it meanwhile. Indexes: dangling_targets_pkey,
-- statement_refs_pkey, statements_id_key.
with moved as (
    update lrs.inheritance set position = $2 where position = $1 returning position
), arrived as (
    delete from lrs.dangling_targets d using moved where d.target = any($3::uuid[])
), waiting as (
    insert into lrs.dangling_targets (target)
    select distinct r.target
      from moved, lrs.statement_refs r
     where r.seq > $1 and r.seq <= $2
       and not exists (select from lrs.statements t where t.id = r.target and t.seq <= $2)
     order by r.target
    on conflict do nothing
)
select position from moved
