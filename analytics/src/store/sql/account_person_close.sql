-- Closes accounts. $1 accounts.
update analytics.account_person set valid_to = now() where valid_to is null and account = any($1)
