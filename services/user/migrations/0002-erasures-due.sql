-- An erasure whose step failed is taken up again later.
alter table erasures add column due_at timestamptz not null default now();
create index on erasures (due_at) where finished_at is null;
drop index erasures_user_id_idx;
