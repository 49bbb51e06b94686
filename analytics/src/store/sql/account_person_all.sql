-- Every account and its person. Rows: one an account.
select account, person from analytics.account_person where valid_to is null
