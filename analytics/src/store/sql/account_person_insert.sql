-- Opens accounts for persons where none is open. $1 accounts, $2 persons, pair by pair.
insert into analytics.account_person (account, person)
select w.account, w.person from unnest($1::uuid[], $2::uuid[]) as w (account, person)
on conflict (account) where valid_to is null do nothing
