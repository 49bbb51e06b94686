-- The lake is in line with the history that the cluster has now.
update lrs.history set epoch = lrs.epoch() where epoch <> lrs.epoch()
