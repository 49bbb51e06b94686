-- One class. $1 class. One row, or none.
select c.class, c.title, c.school, c.school_name from published.classes c where c.class = $1
