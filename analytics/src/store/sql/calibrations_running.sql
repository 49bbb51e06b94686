-- The fits under way, by subject. Rows: number, subject, model, version and position of the lake, checkpoint.
select calibration, subject, model, lake_version, lake_seq, checkpoint
from analytics.calibrations where status = 'running' order by subject
