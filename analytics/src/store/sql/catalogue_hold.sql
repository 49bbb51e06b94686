-- No catalogue comes into force until the transaction ends. Rows: one, of nothing.
select published.hold_catalogue()
