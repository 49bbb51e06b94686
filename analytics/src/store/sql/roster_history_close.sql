-- Ends what the roster says no more, or otherwise. Rows: none.
update analytics.roster_history h
   set valid_to = now()
 where h.valid_to is null
   and not exists (select from analytics.roster_now n
                    where n.person = h.person and n.class = h.class and n.role = h.role
                      and n.school = h.school and n.subjects = h.subjects)
