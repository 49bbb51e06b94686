-- The accounts of these persons. $1 persons. Rows: one an account.
select account, person from analytics.account_person where valid_to is null and person = any($1)
