-- Ids of the answers up to a position that are voided by a statement up to it. $1 position.
-- Rows: one a voided answer. The lake takes them out a little later than the feed tells.
select t.id
from published.answers_feed v
join published.answers_feed t on t.seq = v.target_seq
where v.kind = 'voiding' and v.seq <= $1 and t.kind = 'answer' and t.seq <= $1
