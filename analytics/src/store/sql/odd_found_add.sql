-- Remembers what a look finds. $1 statements, $2 signs, $3 accounts.
insert into analytics.odd_found (statement, sign, account)
select f.statement, f.sign, f.account from unnest($1::uuid[], $2::text[], $3::uuid[]) as f (statement, sign, account)
