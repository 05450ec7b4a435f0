-- These led a plan that was made while the table was small to everybody's open sessions, where one person's were wanted:
-- every log-in read them all. Without a condition they serve housekeeping alone.
drop index sessions_expires_at_idx;
drop index sessions_refreshed_at_idx;
create index on sessions (expires_at);
create index on sessions (refreshed_at);
