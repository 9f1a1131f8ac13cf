-- Messages to one of several receivers, messages that replace an earlier one in place, and what can be replaced.
alter table message add column target text not null default '';      -- as its channel writes it
alter table message add column updates text not null default '';     -- the provider's id of the one it replaces
alter table message add column provider_id text not null default '';
alter table attempt add column note text not null default '';

-- The message that stands for a group on a channel, for each receiver and part of it.
create table card (
  channel text not null,
  group_key text not null,
  target text not null,
  number integer not null,
  provider_id text not null,
  posted_at real not null,
  updates integer not null,
  told text not null,                -- a digest of the alerts it shows
  rank integer not null,
  live integer not null,
  primary key (channel, group_key, target, number)
) without rowid;
create index card_posted on card (posted_at);
