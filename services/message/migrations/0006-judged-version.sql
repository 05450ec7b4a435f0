-- The version of a user's settings by which all their conversations have been judged.
alter table privacy add column judged_version bigint not null default -1;
update privacy set judged_version = version;
create index on privacy (user_id) where judged_version < version;
