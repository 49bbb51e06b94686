-- expand: whether the device was offline when it was answered; null where the statement does not say so.

alter table lrs.answers add column offline boolean;

-- As before, and at the end the new column.
create or replace view published.answers_feed as
select a.seq, a.id, a.stored, a.kind,
       case when a.kind = 'voiding'
            then (select t.account from lrs.statements s join lrs.answers t on t.seq = s.seq
                   where s.id = a.voids and t.kind <> 'voiding')
            else a.account end as account,
       (select i.iri from lrs.activities i where i.id = a.activity) as activity,
       a.correct, a.outcome, a."timestamp", a.has_offset, a.skew_ms, a.device_id, a.device_seq,
       a.invented_time, a.registration, a.duration_ms, a.origin, a.attempt, a.hints, a.left_out,
       a.voids,
       a.kind <> 'voiding' and (select v.target from lrs.voidings v where v.target = a.id) is not null
           as voided,
       -- Positions of the first voiding of this row, and of the candidate that this row voids: with
       -- them what is valid at a position is a function of the rows up to it.
       case when a.kind <> 'voiding'
            then (select v.seq from lrs.voidings v where v.target = a.id) end as voided_seq,
       case when a.kind = 'voiding'
            then (select t.seq from lrs.statements s join lrs.answers t on t.seq = s.seq
                   where s.id = a.voids and t.kind <> 'voiding') end as target_seq,
       -- The account as the row has it: an index finds it, which the column above hides from the planner.
       a.account as answered_by,
       a.offline
  from lrs.answers a;
