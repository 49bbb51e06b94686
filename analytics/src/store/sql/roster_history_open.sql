-- Begins what the roster says anew, or otherwise than before. Rows: none.
insert into analytics.roster_history (person, class, role, school, subjects, valid_from)
select n.person, n.class, n.role, n.school, n.subjects, now()
  from analytics.roster_now n
 where not exists (select from analytics.roster_history h
                    where h.valid_to is null and h.person = n.person and h.class = n.class and h.role = n.role)
