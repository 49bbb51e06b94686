-- Locks a version for folding. $1 version. One row: position and model; none when it is gone.
select position, model from analytics.versions where version = $1 for update
