-- What the states that are served were made with. Rows: subject, number.
select subject, calibration from published.calibrations order by subject
