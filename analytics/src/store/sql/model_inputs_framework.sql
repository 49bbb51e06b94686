-- The same while the recommender has no catalogue yet. One row: the framework's number, 0, the last decision's.
select coalesce((select max(framework) from analytics.frameworks), 0), 0::bigint,
       coalesce((select max(decision) from analytics.calibration_decisions), 0)
