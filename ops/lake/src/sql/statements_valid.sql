-- The statements that nobody has voided; a voiding itself cannot be voided.
create view statements_valid as
select s.*
  from statements s
 where s.voids is not null
    or not exists (select from statements v where v.voids = s.id)
