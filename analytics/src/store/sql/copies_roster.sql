-- Who is and was in which class, in the columns of the lake's table. Rows: one a person, class, role and time.
select get_byte(uuid_send(person), 0) & 63 as bucket, person::text as person, role, class::text as class, school,
       subjects, valid_from, valid_to
  from analytics.roster_history
 order by bucket, analytics.roster_history.person, valid_from, analytics.roster_history.class, role
