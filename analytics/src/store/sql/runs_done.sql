-- A recomputation was published. $1 run, $2 answers, $3 pupils, $4 answers caught up from the feed.
update analytics.runs set status = 'done', finished = now(), answers = $2, pupils = $3, caught_up = $4 where run = $1
