-- A person's conversations in the order of their ids, so that an erasure reads on from where it stopped and not all
-- of them anew for each.
create index on conversations (low_user_id, id);
create index on conversations (high_user_id, id);
drop index conversations_high_user_id_idx;
