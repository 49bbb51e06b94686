-- The authorities that an agent ($1) is in. Index: authority_agents_pkey.
select authority from lrs.authority_agents where agent = $1 order by authority
