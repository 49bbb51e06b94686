-- Keep the secret ($1, 32 bytes) unless there is one. No rows.
insert into service.installation (secret) values ($1) on conflict do nothing
