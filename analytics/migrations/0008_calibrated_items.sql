-- expand: an item that nobody has answered is not calibrated: what a fit says of it is what it says of its kind.

create or replace view published.calibration_items as
    select p.calibration, i.item, i.a, i.b, i.s2
    from published.calibrations p
    join analytics.calibration_items i on i.calibration = p.calibration
    where i.answers > 0;
