-- Up to where statements are committed, visible and found through their references. Rows: one, a timestamp.
select published.consistent_through()
