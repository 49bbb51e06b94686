-- Puts no fit in force any more. $1 subject.
delete from analytics.calibrations_in_force where subject = $1
