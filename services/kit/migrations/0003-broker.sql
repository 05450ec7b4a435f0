-- Which run of the broker a stream was last seen at, and when, for a run that ended may have lost its last second.
alter table outbox_streams add column server_id text, add column checked_at timestamptz not null default now();
