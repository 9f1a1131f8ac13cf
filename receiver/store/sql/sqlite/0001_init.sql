-- The first schema. Times are Unix seconds, flags 0 or 1, lists JSON. Nothing here ever holds a secret.

-- What came in. The raw body is the truth.
create table event (
  seq integer primary key,           -- the order of acceptance
  id text not null,
  source text not null,
  path text not null,
  channels text not null,            -- JSON list of the channels asked for by name
  received_at real not null,
  body blob not null                 -- as packing.py has it
);

-- One event's alerts owed to one channel. The deliveries of an event are numbered right after it
-- (seq = event * 65536 + position), so that finding them needs no index and no column.
create table delivery (
  seq integer primary key,
  id text not null unique,
  channel text not null,
  kind text not null,
  template text not null,
  route text not null,
  group_key text not null,
  priority text not null,
  state text not null,
  created_at real not null,
  released_at real not null,
  due_at real not null,
  alerts text,                       -- JSON list of positions in the event, NULL for all of them
  reason text not null,
  attempts integer not null,
  firing integer not null,
  sent_at real,
  merged_into text,
  manual integer not null,
  test integer not null
);

-- What is still owed, in order of acceptance, with all that is asked of it. It stays small however many records are
-- kept, and grows at its end: an index by the random group would dirty a page of the log for every delivery.
create index delivery_owed on delivery (channel, seq, group_key, due_at, released_at, state)
where state in ('queued', 'sending');
create index delivery_held on delivery (channel) where state = 'held';
create index delivery_created on delivery (created_at);

-- One post: the exact content.
create table message (
  seq integer primary key,
  id text not null unique,
  channel text not null,
  content blob not null,             -- as packing.py has it
  number integer not null,
  total integer not null,
  plain integer not null,
  state text not null,
  alerts text not null,              -- JSON list of positions in the event
  began_at real,
  sent_at real
);

-- Which deliveries a message carries, in its order.
create table carries (
  message integer not null references message (seq),
  position integer not null,
  delivery integer not null references delivery (seq),
  primary key (message, position)
) without rowid;
create index carries_delivery on carries (delivery);

-- One try of one message.
create table attempt (
  seq integer primary key,
  message integer not null references message (seq),
  at real not null,
  duration real not null,
  http_status integer,
  provider_code text,
  error text not null
);
create index attempt_message on attempt (message);

-- The rate window: when each credential was used, and until when it is to rest.
create table slot (
  credential text not null,
  at real not null
);
create index slot_credential on slot (credential, at);
create table credential (
  name text primary key,
  hold_until real not null
) without rowid;

-- By what a repeated event is told, in order of time; the latest with a scope counts. `at` is when its first event
-- came in, and also names that row for certain: numbers of forgotten events may be given out again.
create table mark (
  seq integer primary key,
  scope text not null,
  digest text not null,
  event integer not null,
  at real not null,
  until real not null
);

-- What is remembered of a channel that was ever changed.
create table channel (
  name text primary key,
  state text not null,
  reason text not null,
  failures integer not null,
  changed_at real not null,
  settings text not null
) without rowid;

-- Bodies that could not be taken.
create table quarantine (
  seq integer primary key,
  id text not null,
  at real not null,
  source text not null,
  path text not null,
  reason text not null,
  body blob not null
);

-- One row to write when nothing is to be said: proof that a write succeeds.
create table pulse (
  id integer primary key check (id = 1),
  beat integer not null
);
insert into pulse (id, beat) values (1, 0);
