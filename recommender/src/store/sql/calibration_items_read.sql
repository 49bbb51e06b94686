-- The fitted parameters of the states that are served. Rows: one an item.
select item, a, b, s2 from published.calibration_items
