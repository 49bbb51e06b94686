-- The items in force. Parameters: none. Rows: one per item.
select document::text
from published.catalogue_items
