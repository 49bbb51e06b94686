-- Up to where the order is final. One row. To be called in a statement of its own, before the rows are read.
select published.horizon()
