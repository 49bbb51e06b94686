-- The framework in force. Parameters: none. Rows: 0 or 1.
select document::text
from published.framework
