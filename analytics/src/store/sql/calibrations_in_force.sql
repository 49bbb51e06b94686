-- What is in force. Rows: subject, number.
select subject, calibration from analytics.calibrations_in_force order by subject
