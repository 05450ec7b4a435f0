-- Who opened a conversation, for the limit of how many a person opens a day; unknown of those made before.
alter table conversations add column opened_by uuid;
create index on conversations (opened_by, created_at) where opened_by is not null;
