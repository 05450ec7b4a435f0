-- One row for each person. It is also the lock under which that person's relations change, and, once
-- erased_at is set, the tombstone: it is never deleted, so nothing late can bring the person back.
create table people (
  user_id uuid primary key,
  username text,
  display_name text,
  bio text,
  avatar text,
  age smallint,
  gender text,
  favourite_style text,
  total_posts int not null default 0,
  fields jsonb not null default '{}',
  version bigint not null default 1,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),

  who_may_write text not null default 'everyone' check (who_may_write in ('everyone', 'contacts', 'nobody')),
  who_sees_presence text not null default 'contacts' check (who_sees_presence in ('everyone', 'contacts', 'nobody')),
  send_delivery_receipts boolean not null default true,
  send_read_receipts boolean not null default true,
  privacy_version bigint not null default 0,

  -- Counts the changes of this person's own relations.
  relations_version bigint not null default 0,
  erased_at timestamptz,
  check (erased_at is not null or username is not null)
);

-- What one person has set about another, as that person sees it. The two directions of a pair are two rows
-- and may differ: who is blocked or refused goes on seeing what they saw before.
create table relations (
  owner_id uuid not null,
  other_id uuid not null,
  state text not null default 'none' check (state in ('none', 'outgoing', 'incoming', 'accepted')),
  blocked boolean not null default false,
  -- The owner's counter at the last change of this row.
  version bigint not null,
  changed_at timestamptz not null default now(),
  primary key (owner_id, other_id)
);
create unique index on relations (owner_id, version);
create index on relations (owner_id, state, version) where state <> 'none';
create index on relations (owner_id, version) where blocked;
create index on relations (other_id, owner_id);

-- Where a search may begin to match: each word of a name, folded, with the rest of its chunk of text.
-- Rank 0 is the username, 1 the first word of the display name, 2 a later word of either.
create table name_words (
  user_id uuid not null,
  rank smallint not null,
  word text collate "C" not null,
  primary key (user_id, rank, word)
);
create index on name_words (rank, word, user_id);

-- Erasures under way and done. A row is the work that is left after the tombstone.
create table erasures (
  user_id uuid primary key,
  started_at timestamptz not null default now(),
  finished_at timestamptz
);
create index on erasures (user_id) where finished_at is null;
