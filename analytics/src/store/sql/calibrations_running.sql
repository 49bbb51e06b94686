-- The fits under way, by subject. Rows: number, subject, model, what was asked for, the share of the pupils, version and
-- position of the lake, checkpoint.
select calibration, subject, model, asked, sample, lake_version, lake_seq, checkpoint
from analytics.calibrations where status = 'running' order by subject
