-- The framework that the served states were made with. Parameters: none. Rows: 0 or 1.
select document::text
from published.framework_served
