-- Whose each account is and was, in the columns of the lake's table. Rows: one an account and time.
select get_byte(uuid_send(account), 0) & 63 as bucket, account::text as account, person::text as person,
       valid_from, valid_to
  from analytics.account_person
 order by bucket, analytics.account_person.account, valid_from
