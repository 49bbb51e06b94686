-- expand: credentials that end, are rotated and are bound; and word of every change, at once.
alter table service.credentials
    add column expires timestamptz,         -- passes until then; null: without end
    add column rotated timestamptz,         -- when it last got a new secret
    add column former_sha256 bytea check (length(former_sha256) = 32),
    add column former_until timestamptz,    -- the secret before the last rotation passes until then
    add column school text,                 -- UAI of the school that it works for
    add column activity_prefix text,        -- it writes statements about activities under this alone
    add check ((former_sha256 is null) = (former_until is null));

-- Every process that answers remembers credentials, and listens here for which one to forget
-- (service::identity::watch). A trigger, so that whatever changes a row is heard of, a command or
-- an operator's own SQL. Word goes out with the commit.
create function service.tell_credential() returns trigger
language plpgsql as $$
begin
    perform pg_notify('sillage_credentials', left(old.key, 1000));
    return null;
end $$;

create trigger credentials_changed after update or delete on service.credentials
    for each row execute function service.tell_credential();
