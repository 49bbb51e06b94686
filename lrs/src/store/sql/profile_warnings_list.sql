-- The warnings of the profile, the latest first. $1: how many at most. Rows: credential, rule, template, location, statements, first, last. Index: none, the table has a row for each rule and credential.
select credential, rule, template, location, statements, first, last
from lrs.profile_warnings
order by last desc, credential, rule, template, location
limit $1
