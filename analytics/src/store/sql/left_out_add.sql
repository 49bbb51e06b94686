-- Counts the candidates that count for nothing, from a position to another. $1 from, $2 to.
-- A candidate counts while no statement up to the position voids it; a voiding takes away only what
-- was counted before, and only the first voiding does. Rows: one a reason. Index: seq of the feed.
insert into analytics.left_out (reason, n)
select d.reason, sum(d.n)
from (
    select f.left_out as reason, 1 as n
    from published.answers_feed f
    where f.kind = 'left_out' and f.seq > $1 and f.seq <= $2
      and (f.voided_seq is null or f.voided_seq > $2)
    union all
    select t.left_out, -1
    from published.answers_feed v
    join published.answers_feed t on t.seq = v.target_seq
    where v.kind = 'voiding' and v.seq > $1 and v.seq <= $2
      and t.kind = 'left_out' and t.seq <= $1 and t.voided_seq = v.seq
) d
group by d.reason
on conflict (reason) do update set n = left_out.n + excluded.n
