-- A range is done, all at once: the worker's position moves from $1 to $2, targets that arrived ($3) are no longer waited for, those that are not stored up to $2 are.
-- Rows: one; none when another worker moved it meanwhile. Indexes: statement_refs_pkey,
-- statements_id_key, dangling_targets_pkey.
with moved as (
    update lrs.inheritance set position = $2 where position = $1 returning position
), arrived as (
    delete from lrs.dangling_targets d
     where d.target = any($3::uuid[]) and (select position from moved) is not null
), targets as materialized (
    select r.seq, r.target from lrs.statement_refs r where r.seq > $1 and r.seq <= $2 order by r.seq
), waiting as (
    insert into lrs.dangling_targets (target)
    select distinct r.target from targets r
     where (select position from moved) is not null
       and (select t.seq from lrs.statements t where t.id = r.target and t.seq <= $2) is null
     order by r.target
    on conflict do nothing
)
select position from moved
