-- Takes away marks that were seen to. $1 marks.
delete from analytics.refolds where refold = any($1)
