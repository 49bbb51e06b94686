-- Degrees that were declared under some keys. $1 keys. Rows: one a key and domain, the latest last.
select person as key, domain, degree, declared
from analytics.declared_profiles
where person = any($1)
order by declared, person, domain_key
