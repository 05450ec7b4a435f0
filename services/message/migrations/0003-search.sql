-- The words of plain messages: a read model that a search brings up to date itself (search-index.ts), so that
-- a send pays nothing for it. It can be emptied at any time together with search_progress.
create table search_documents (
  conversation_id uuid not null,
  seq int not null,
  message_id uuid not null,
  -- The words, and the ids of the two people, so that a search meets only what is the searcher's own.
  words tsvector not null,
  primary key (conversation_id, seq)
);
create index on search_documents using gin (words);

-- Up to which revision a conversation's messages are in the index.
create table search_progress (
  conversation_id uuid primary key,
  revision int not null
);
