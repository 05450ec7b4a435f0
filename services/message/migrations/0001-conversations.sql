-- A conversation of two people, who stand in the order of their ids. All that a send, a receipt or a
-- block looks at or changes is in this one row: whoever holds its lock reads the latest of it, and the
-- indexes are on columns that never change, so each update stays within its page.
create table conversations (
  id uuid primary key,
  low_user_id uuid not null,
  high_user_id uuid not null,
  created_at timestamptz not null,
  -- The time of the last message, or of the beginning.
  active_at timestamptz not null,
  -- Counts the messages.
  seq int not null default 0,
  -- Counts every change that both people may see.
  revision int not null default 0,
  -- Whether the other one may write to this one.
  low_accepts boolean not null,
  high_accepts boolean not null,
  -- The last message of each, so that a conversation without anything unread is told without counting.
  low_sent_seq int not null default 0,
  high_sent_seq int not null default 0,
  low_delivered_seq int not null default 0,
  low_read_seq int not null default 0,
  high_delivered_seq int not null default 0,
  high_read_seq int not null default 0,
  unique (low_user_id, high_user_id),
  check (low_user_id < high_user_id)
) with (fillfactor = 60);
create index on conversations (high_user_id);

-- Each conversation as each of its two people sees it.
create view memberships as
select id, created_at, active_at, seq, revision,
  low_user_id as user_id, high_user_id as peer_id,
  low_accepts as accepts, high_accepts as peer_accepts,
  low_delivered_seq as delivered_seq, low_read_seq as read_seq,
  high_delivered_seq as peer_delivered_seq, high_read_seq as peer_read_seq,
  high_sent_seq as peer_sent_seq
from conversations
union all
select id, created_at, active_at, seq, revision,
  high_user_id, low_user_id,
  high_accepts, low_accepts,
  high_delivered_seq, high_read_seq,
  low_delivered_seq, low_read_seq,
  low_sent_seq
from conversations;

-- No foreign key: whoever writes a message holds its conversation's lock.
create table messages (
  conversation_id uuid not null,
  id uuid not null,
  seq int not null,
  revision int not null,
  sender_id uuid not null,
  -- The sender's Idempotency-Key.
  key text not null,
  -- Of the request; null once the message is emptied, for it would tell of the text.
  request_hash text,
  text text,
  -- JSON as it came: nobody here looks inside.
  envelope text,
  reply_to_id uuid,
  created_at timestamptz not null,
  edited_at timestamptz,
  deleted_at timestamptz,
  primary key (conversation_id, seq),
  unique (conversation_id, sender_id, key)
);
-- Each index costs a send some 5 %, so this one serves whoever knows the conversation, too.
create index on messages (id);
create index on messages (conversation_id, revision);

create table reactions (
  conversation_id uuid not null,
  message_id uuid not null,
  emoji text not null,
  user_id uuid not null,
  created_at timestamptz not null default now(),
  primary key (conversation_id, message_id, emoji, user_id)
);
