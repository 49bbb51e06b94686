-- What a list is made from: which catalogue, framework and calibrations are in force. Parameters: none.
-- Rows: 1; nulls for what was not loaded yet.
select
    (select version from published.catalogue) as catalogue,
    f.version as framework,
    f.loaded as framework_loaded,
    array(select calibration from published.calibrations order by calibration) as calibrations
from (select) as one
left join published.framework f on true
