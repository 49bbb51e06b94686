-- Whether a class is one of a school. $1 class, $2 UAI. One row.
select exists (select from published.classes where class = $1 and school_identifier = $2)
