-- Accounts. A deleted one stays as an empty row, so that late events bring nothing back.
create table users (
  id uuid primary key,
  -- As its owner writes it; null once erased.
  username text,
  -- SHA-256 of the form by which names are compared. It outlives the account: nobody can pose as someone who left.
  username_hash bytea not null unique,
  email text,
  -- The form by which addresses are compared; null once erased, so that the address can be used again.
  email_key text unique,
  email_verified_at timestamptz,
  password_hash text,
  role text not null default 'user' check (role in ('user', 'moderator', 'admin')),
  banned_at timestamptz,
  -- Null while banned means for good.
  banned_until timestamptz,
  ban_reason text,
  -- Access tokens issued before are void.
  tokens_not_before timestamptz not null default 'epoch',
  created_at timestamptz not null default now(),
  deleted_at timestamptz
);
create index on users (lower(username) text_pattern_ops);
create index on users (email_key text_pattern_ops);
create index on users (id) where role = 'admin';

-- One log-in on one device, kept alive by refresh tokens of which only hashes are stored.
create table sessions (
  id uuid primary key,
  user_id uuid not null references users,
  current_hash bytea not null unique,
  -- The token that was exchanged for the current one: good for another exchange until the current one is used.
  previous_hash bytea unique,
  device_name text,
  user_agent text,
  ip text,
  created_at timestamptz not null default now(),
  refreshed_at timestamptz not null default now(),
  last_used_at timestamptz not null default now(),
  expires_at timestamptz not null,
  ended_at timestamptz,
  end_reason text
);
create index on sessions (user_id, id);

-- Refresh tokens that nobody should show again: whoever does has stolen one, or was stolen from.
create table spent_refresh_tokens (
  hash bytea primary key,
  session_id uuid not null references sessions on delete cascade,
  spent_at timestamptz not null default now()
);
create index on spent_refresh_tokens (session_id);
create index on spent_refresh_tokens (spent_at);

-- The keys that sign access tokens; the private halves are encrypted.
create table signing_keys (
  kid text primary key,
  public_jwk jsonb not null,
  private_jwk_encrypted bytea not null,
  created_at timestamptz not null default now(),
  -- From when on it signs; it is published before.
  activates_at timestamptz not null
);

-- What a mailed link proves, once.
create table one_time_tokens (
  hash bytea primary key,
  user_id uuid not null references users,
  purpose text not null check (purpose in ('verify_email', 'reset_password')),
  -- The address the link went to.
  email_key text not null,
  expires_at timestamptz not null
);
create index on one_time_tokens (user_id);
create index on one_time_tokens (expires_at);

-- Mails to be sent. A request for a new password is kept by the address as typed, whether anybody has it or not.
create table mails (
  id uuid primary key,
  kind text not null check (kind in ('verify_email', 'reset_password', 'password_changed')),
  user_id uuid references users,
  email_key text,
  attempts int not null default 0,
  created_at timestamptz not null default now(),
  next_attempt_at timestamptz not null default now()
);
create index on mails (next_attempt_at);

-- The erasure of a deleted user's data in every service.
create table erasures (
  id uuid primary key,
  user_id uuid not null unique references users,
  started_at timestamptz not null default now(),
  nudged_at timestamptz not null default now(),
  finished_at timestamptz
);
create index on erasures (nudged_at) where finished_at is null;

create table erasure_receipts (
  user_id uuid not null references users,
  service text not null,
  received_at timestamptz not null default now(),
  primary key (user_id, service)
);
