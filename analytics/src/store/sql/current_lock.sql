-- Takes the lock of folding, importing and switching. One row, or none before the first version.
select version, left_out_position from analytics.current for update
