-- By these, housekeeping finds the sessions that have run out, and those that ended long ago.
create index on sessions (expires_at) where ended_at is null;
create index on sessions (refreshed_at) where ended_at is null;
create index on sessions (ended_at) where ended_at is not null;
