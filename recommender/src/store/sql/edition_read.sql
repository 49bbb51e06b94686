-- What a list is made from: which catalogue is in force, which framework and calibrations the served states were made
-- with. Parameters: none.
-- Rows: 1; nulls for what was not loaded yet.
select
    (select version from published.catalogue) as catalogue,
    f.version as framework,
    f.loaded as framework_loaded,
    array(select calibration from published.calibrations order by calibration) as calibrations
from (select) as one
left join published.framework_served f on true
