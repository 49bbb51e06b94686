-- Whether a key is anybody's. $1 person. One row.
select exists (select from published.people where person = $1)
