-- The statements that refer to others, of a range of positions: after $1, up to $2. Index: statement_refs_pkey.
select seq from lrs.statement_refs where seq > $1 and seq <= $2 order by seq
