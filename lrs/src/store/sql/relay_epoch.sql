-- The history that positions belong to. Rows: one.
select lrs.epoch()
