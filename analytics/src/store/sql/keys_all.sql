-- Every key under which anything was entered, with whose it is now. Rows: key and person.
select k.key, coalesce(u.person, a.person, k.key) as person
from (select person as key from analytics.declared_profiles union select person from analytics.evaluations) k
left join analytics.users u on u.person = k.key
left join analytics.account_person a on a.account = k.key and a.valid_to is null
