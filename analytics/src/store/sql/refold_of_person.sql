-- Whether a person of the version that is served is still to be folded again. $1 person. One row.
select exists (
    select from analytics.current c
    join analytics.refolds r on r.version = c.version
    where r.person = $1)
