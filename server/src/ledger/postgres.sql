create table if not exists owner (
    handover_key bytea primary key,
    account_key bytea not null,
    expires_at timestamptz not null
);
create index if not exists owner_account_key on owner (account_key);
create index if not exists owner_expires_at on owner (expires_at);
