-- What every service with a database needs for its events, its consumers and repeated requests.

-- The log of events, kept for a day or two so that an emptied broker can be refilled from it.
create table outbox (
  id uuid not null,
  created_at timestamptz not null default now(),
  subject text not null,
  body text not null,
  -- The users whose mailboxes get the event, joined by commas.
  recipients text not null
) partition by range (created_at);
create index on outbox (created_at);

-- The events that the broker has not acknowledged yet.
create table outbox_pending (
  id uuid primary key,
  created_at timestamptz not null default now()
);

-- Each stream as it was last seen, so that a broker that lost it is noticed, and how far its consumers had come.
create table outbox_streams (
  stream text primary key,
  created text not null,
  last_sequence bigint not null,
  consumed_until timestamptz not null default now()
);

-- The events that a consumer has taken effect of.
create table inbox (
  consumer text not null,
  event_id uuid not null,
  received_at timestamptz not null default now(),
  primary key (consumer, event_id)
);
create index on inbox (received_at);

-- The events that a consumer failed on, by its own fault; dead when it gave up.
create table inbox_failures (
  consumer text not null,
  event_id uuid not null,
  subject text not null,
  body text not null,
  recipients text not null,
  attempts int not null default 1,
  error text not null,
  failed_at timestamptz not null default now(),
  dead_at timestamptz,
  primary key (consumer, event_id)
);

-- The answers of creates that carried an Idempotency-Key.
create table idempotency_keys (
  user_id uuid not null,
  operation text not null,
  key text not null,
  request_hash text not null,
  locked_at timestamptz not null default now(),
  status int,
  body text,
  primary key (user_id, operation, key)
);
create index on idempotency_keys (locked_at);
