-- Locks what is in force, for a decision: one at a time. Parameters: none.
lock table analytics.calibrations_in_force in share row exclusive mode
