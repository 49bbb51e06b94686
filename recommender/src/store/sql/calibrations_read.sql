-- The constants of the states that are served and the priors of items, by subject. Rows: one a subject that was fitted.
select subject, hyper::text, priors::text from published.calibrations
