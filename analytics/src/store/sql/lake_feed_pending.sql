-- Whether an answer after position $1 and stored at or before $2 waits for the lake; one row. Index: primary key of lrs.answers.
select exists (select from published.answers_feed
                where seq > $1 and stored <= $2 and kind = 'answer' and not voided)
