-- How often one person has asked another to be a contact since when, whatever became of it. Rows of yesterday mean nothing.
create table contact_asks (
  owner_id uuid not null,
  other_id uuid not null,
  asks int not null,
  since timestamptz not null default now(),
  primary key (owner_id, other_id)
);
create index on contact_asks (other_id);
