-- The channels that this session listens to; no parameters. Rows: one a channel.
select channel from pg_listening_channels() as channel
