-- Since when the event waits: created_at moves with each vain attempt of the sweeper.
alter table outbox_pending add column waiting_since timestamptz not null default now();
-- Dead letters are counted; those that are tried again may be many meanwhile.
create index on inbox_failures (dead_at) where dead_at is not null;
