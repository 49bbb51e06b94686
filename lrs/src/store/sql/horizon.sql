-- Up to where the order of statements is final. Rows: one, a timestamp.
select published.horizon()
