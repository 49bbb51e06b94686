-- A check. $1 day, $2 position, $3 answers, $4 start, $5 report. One row: its number.
insert into analytics.checks (day, position, answers, started, report) values ($1, $2, $3, $4, $5) returning "check"
