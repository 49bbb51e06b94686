-- The connection that follows references looks keys up in indexes, in their order: where the planner has no statistics yet of tables that fill up at once, it would gather and sort.
set enable_seqscan = off;
set enable_bitmapscan = off;
set enable_mergejoin = off;
set jit = off;
