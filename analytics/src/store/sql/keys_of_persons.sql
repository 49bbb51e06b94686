-- The keys under which what is these persons' was entered: their own, and those of accounts that are
-- theirs now. $1 persons. Rows: key and person.
select k.key, coalesce(u.person, a.person, k.key) as person
from (select unnest($1::uuid[]) as key
      union
      select account from analytics.account_person where person = any($1) and valid_to is null) k
left join analytics.users u on u.person = k.key
left join analytics.account_person a on a.account = k.key and a.valid_to is null
where coalesce(u.person, a.person, k.key) = any($1)
