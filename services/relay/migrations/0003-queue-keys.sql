alter table queue_items
  -- Who asked for it by which Idempotency-Key, as a hash, for whoever asked may be erased before it expires.
  add column request_key text unique,
  -- What was asked for, as a hash: the same key with anything else is refused.
  add column request_hash text;
