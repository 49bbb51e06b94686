-- Whose these accounts are. $1 accounts. Rows: one a known account.
select account, person from analytics.account_person where valid_to is null and account = any($1)
