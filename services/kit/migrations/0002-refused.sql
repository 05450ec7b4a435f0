-- When the broker last refused the event: it waits a little, so that those after it leave.
alter table outbox_pending add column refused_at timestamptz;
