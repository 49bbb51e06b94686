-- Adds what was found and not known. $1 signs that are left out. Rows: the account of each new answer that is.
with new as (
    insert into analytics.odd_answers (statement, sign, account, left_out)
    select f.statement, f.sign, f.account, f.sign = any($1::text[]) from analytics.odd_found f
    on conflict (statement, sign) do nothing
    returning account, left_out
)
select account from new where left_out
