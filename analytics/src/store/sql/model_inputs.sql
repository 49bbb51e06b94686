-- Which framework, catalogue and calibrations are in force. One row: their numbers and that of the last
-- decision on a calibration, 0 where there is none.
select coalesce((select max(framework) from analytics.frameworks), 0),
       coalesce((select version from published.catalogue), 0),
       coalesce((select max(decision) from analytics.calibration_decisions), 0)
