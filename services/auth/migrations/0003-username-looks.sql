-- What names look like, as SHA-256 of their skeletons in hexadecimal: a new name must share none with another's. Rows outlive
-- the account as username_hash does. Those of names from before this table are added when auth starts.
create table username_looks (
  hash text primary key,
  user_id uuid not null references users
);
create index on username_looks (user_id);
insert into username_looks (hash, user_id)
select encode(username_hash, 'hex'), id
from users
where username is null;
