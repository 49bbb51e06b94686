-- expand: how a credential's statements are checked against the profile; null: as the setting says.
alter table service.credentials
    add column profile_mode text check (profile_mode in ('off', 'warn', 'refuse'));
