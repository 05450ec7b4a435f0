-- What this service must know of people: copies that the user service sends, each moving to a higher version only.
create table relations (
  owner_id uuid not null,
  other_id uuid not null,
  blocked boolean not null,
  contact boolean not null,
  version bigint not null,
  primary key (owner_id, other_id)
);

create table privacy (
  user_id uuid primary key,
  who_may_write text not null,
  send_delivery_receipts boolean not null,
  send_read_receipts boolean not null,
  version bigint not null
);

-- Deleted people. Never pruned, so that an event that comes late brings nothing back.
create table tombstones (
  user_id uuid primary key,
  deleted_at timestamptz not null default now()
);

-- Whether `other` may write to `owner`. Whoever asks in order to store the answer holds owner's lock (people.ts).
create function may_write(other uuid, owner uuid) returns boolean
language sql stable
begin atomic
  select not exists (select from tombstones where user_id in (other, owner))
    and not coalesce(relation.blocked, false)
    and case coalesce(privacy.who_may_write, 'everyone')
      when 'everyone' then true
      when 'contacts' then coalesce(relation.contact, false)
      else false
    end
  from (values (1)) as one
  left join relations relation on relation.owner_id = owner and relation.other_id = other
  left join privacy on privacy.user_id = owner;
end;
