-- A recomputation failed. $1 run, $2 why.
update analytics.runs set status = 'failed', finished = now(), failure = $2 where run = $1
