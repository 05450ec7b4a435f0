-- The removal of a deleted person's messages, in small steps that any instance takes up where another left off.
create table erasures (
  user_id uuid primary key,
  -- 1, then 2 after everything that could still have been on its way has arrived.
  sweep int not null default 1,
  due_at timestamptz not null default now(),
  -- The conversation, and the message in it, up to which this sweep has come.
  conversation_id uuid not null default '00000000-0000-0000-0000-000000000000',
  seq int not null default 0,
  finished_at timestamptz
);
create index on erasures (due_at) where finished_at is null;

create index on relations (other_id);
