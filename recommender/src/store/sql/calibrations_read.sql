-- The constants of the states that are served, by subject. Rows: one a subject that was fitted.
select subject, hyper::text from published.calibrations
