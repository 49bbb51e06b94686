-- The installation's secret: one row, one column of 32 bytes.
select secret from service.installation
