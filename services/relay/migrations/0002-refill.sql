-- Whether the mailboxes of this generation may be filled again by the broker: not when this database came back from an
-- older copy, for the broker may know of what it has forgotten.
alter table mailboxes add column refill_from_broker boolean not null default true;
