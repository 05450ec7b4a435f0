-- What relay knows of the Redis that holds the mailboxes; one row.
create table mailboxes (
  one boolean primary key default true check (one),
  -- Mailboxes of another generation are void.
  generation int not null default 0,
  -- The mailboxes of this generation have been filled again from what the broker and this database keep.
  refilled_generation int not null default 0,
  -- Frames that were appended at least: a Redis that says less has forgotten some.
  appends bigint not null default 0
);
insert into mailboxes default values;

-- What was enqueued by POST /queue, until it expires.
create table queue_items (
  id uuid primary key,
  user_id uuid not null,
  -- The event as devices get it.
  body text not null,
  expires_at timestamptz not null,
  created_at timestamptz not null default now()
);
create index on queue_items (user_id);
create index on queue_items (expires_at);

-- How far each session's device has taken in its mailbox.
create table device_cursors (
  session_id uuid primary key,
  user_id uuid not null,
  epoch text not null,
  n bigint not null,
  updated_at timestamptz not null default now()
);
create index on device_cursors (user_id);
create index on device_cursors (updated_at);

-- Users who were erased. Kept for ever, so that nothing late brings a mailbox back.
create table tombstones (
  user_id uuid primary key,
  -- When the mailbox was gone and the receipt sent.
  erased_at timestamptz
);
create index on tombstones (user_id) where erased_at is null;
