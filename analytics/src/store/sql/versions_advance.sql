-- Moves a version on, with its sums. $1 version, $2 position, $3 answers, $4 correct, $5 pupils (differences).
update analytics.versions
set position = $2, answers = answers + $3, correct = correct + $4, pupils = pupils + $5
where version = $1
