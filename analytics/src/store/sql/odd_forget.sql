-- Takes away what was not found again. Rows: the account of each answer that was left out.
with gone as (
    delete from analytics.odd_answers o
    where not exists (select from analytics.odd_found f where f.statement = o.statement and f.sign = o.sign)
    returning o.account, o.left_out
)
select account from gone where left_out
