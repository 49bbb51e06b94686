-- An account that nobody announced becomes a person of its own. $1 accounts, sorted. Rows: one a new account.
insert into analytics.account_person (account, person)
select a, a from unnest($1::uuid[]) a
on conflict (account) where valid_to is null do nothing
