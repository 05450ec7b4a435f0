-- How often receipts were asked for again; each time it takes longer to the next.
alter table erasures add column nudges int not null default 0;
