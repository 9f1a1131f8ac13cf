-- Messages that tell of several deliveries, each as far and as fully as there is room; deliveries that are told by another
-- channel; and how much of its monthly quota a credential has used.

-- A delivery stands in a message once for each level of detail. What was told until now was told in full.
alter table carries add column alerts text not null default '[]';      -- JSON list of positions in the delivery's event
alter table carries add column detail text not null default 'full';
update carries set alerts = (select alerts from message where seq = carries.message);
alter table message drop column alerts;

alter table delivery add column detail text not null default '';       -- of the least told of its alerts
alter table delivery add column told_by text not null default '';      -- the channel that tells it in the place of its own
alter table delivery add column stands_in text not null default '';    -- the id of the delivery it takes the place of
update delivery set detail = 'full' where exists (
  select 1 from carries c join message m on m.seq = c.message where c.delivery = delivery.seq and m.state = 'sent');

-- The turn of a group is the sender's concern now. Who looks for what another channel may tell passes by all the rest
-- without reading it.
drop index delivery_owed;
create index delivery_owed on delivery (channel, seq, priority, released_at, told_by, stands_in, state)
where state in ('queued', 'sending');
drop index delivery_held;
create index delivery_held on delivery (channel, reason, due_at, told_by, stands_in) where state = 'held';

-- How many messages were posted with a credential in a month (2026-11).
create table usage (
  credential text not null,
  month text not null,
  posts integer not null,
  primary key (credential, month)
) without rowid;
