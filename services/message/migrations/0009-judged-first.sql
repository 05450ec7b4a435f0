-- The conversation up to which it has been decided anew who may write in a deleted person's; null when it has in all.
-- No sweep begins before, not even by an instance of a version that does not know of this.
alter table erasures
  add column judged_up_to uuid,
  add check (
    judged_up_to is null
    or (sweep = 1 and conversation_id = '00000000-0000-0000-0000-000000000000' and seq = 0)
  );
