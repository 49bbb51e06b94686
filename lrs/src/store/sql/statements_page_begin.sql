-- Begins the read of a page: the planner is left with ordered index scans, which stop at the limit, and with look-ups from them.
-- Where it believes that few rows match it would gather and sort them all, or walk over a whole table
-- to join it, and it believes so of a key it has no statistics of yet. Compiling a query (jit) costs
-- more than reading a page. The query of the page and `commit` follow in the same round trip.
begin read only;
set local enable_seqscan = off;
set local enable_bitmapscan = off;
set local enable_sort = off;
set local enable_mergejoin = off;
set local enable_hashjoin = off;
set local jit = off;
