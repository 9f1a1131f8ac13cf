-- The record: what the user sees, what was refused, and how both are forgotten.

-- name: records
-- One page, newest first, before the position ($7, $8). $1 to $3 are JSON lists or NULL for all, $4 a JSON list of
-- the spellings of what is looked for, in lower case as far as ASCII goes, $10 what they were merged into, NULL for all.
select d.seq, {delivery_columns}, {event_columns}
from delivery d join event e on e.seq = (d.seq >> 16)
where d.created_at >= $5 and d.created_at <= $6 and (d.created_at, d.seq) < ($7, $8)
  and ($1 is null or d.channel in (select value from json_each($1)))
  and ($2 is null or d.template in (select value from json_each($2)))
  and ($3 is null or d.state in (select value from json_each($3)))
  and ($10 is null or d.merged_into = $10)
  and ($4 is null or exists (
    select 1 from json_each($4) wanted where instr(lower(d.channel), wanted.value) > 0
      or instr(lower(d.template), wanted.value) > 0
      or instr(lower(d.route), wanted.value) > 0
      or instr(packed_text(e.body), wanted.value) > 0
      or exists (
        select 1 from carries c join message m on m.seq = c.message
        where c.delivery = d.seq and instr(packed_text(m.content), wanted.value) > 0)))
order by d.created_at desc, d.seq desc limit $9

-- name: record
select d.seq, {delivery_columns}, {event_columns}
from delivery d join event e on e.seq = (d.seq >> 16) where d.id = $1

-- name: messages_of
select distinct message from carries where delivery = $1

-- name: attempts_of
select m.id, a.at, a.duration, a.http_status, a.provider_code, a.error, a.note
from attempt a join message m on m.seq = a.message
where a.message in (select c.message from carries c where c.delivery = $1) order by a.seq

-- name: merged
-- What the messages that told of the delivery $1, or are to, carry: after the position $3 in the message $2, at most $4.
select m.seq, {delivery_columns}, {event_columns}, c.position, m.id, c.alerts, c.detail
from message m cross join carries c on c.message = m.seq
cross join delivery d on d.seq = c.delivery cross join event e on e.seq = (d.seq >> 16)
where m.seq in (select o.message from delivery mine join carries o on o.delivery = mine.seq where mine.id = $1)
  and m.state in ('planned', 'sending', 'sent') and (m.seq, c.position) > ($2, $3)
order by m.seq, c.position limit $4

-- name: insert_quarantine
insert into quarantine (id, at, source, path, reason, body) values ($1, $2, $3, $4, $5, $6)

-- name: trim_quarantine
-- Keep the last $1 and none from before $2.
delete from quarantine where at < $2 or seq <= (select max(seq) from quarantine) - $1

-- name: quarantined
select seq, id, at, source, path, reason, body from quarantine
where seq < $1 and at >= $2 order by seq desc limit $3

-- name: oldest_events
-- The next $2 events after $1 in order of acceptance, and whether they owe anything.
select e.seq, e.received_at, exists (
  select 1 from delivery d where d.seq between (e.seq << 16) and (e.seq << 16) + 65535
    and d.state in ('queued', 'sending', 'held'))
from event e where e.seq > $1 order by e.seq limit $2

-- name: deliveries_of
-- The deliveries of the events in the JSON list $1.
select d.seq from json_each($1) old join delivery d
on d.seq between (old.value << 16) and (old.value << 16) + 65535

-- name: messages_carrying
select distinct message from carries where delivery in (select value from json_each($1))

-- name: forget_carries
delete from carries where delivery in (select value from json_each($1))

-- name: forget_attempts
-- Of the messages in the JSON list $1, those that carry nothing any more.
delete from attempt where message in (
  select value from json_each($1) where not exists (select 1 from carries where carries.message = value))

-- name: forget_messages
delete from message where seq in (
  select value from json_each($1) where not exists (select 1 from carries where carries.message = value))

-- name: forget_deliveries
delete from delivery where seq in (select value from json_each($1))

-- name: forget_events
delete from event where seq in (select value from json_each($1))

-- name: expire_held
-- Up to $2 held deliveries of events received before $1; their reason stays.
update delivery set state = 'expired' where seq in (
  select d.seq from delivery d join event e on e.seq = (d.seq >> 16)
  where d.state = 'held' and e.received_at < $1 limit $2)

-- name: shrink
-- Give free pages back to the file system, a few at a time.
pragma incremental_vacuum(128)

-- name: free_pages
pragma freelist_count

-- name: forget_slots
delete from slot where at < $1

-- name: forget_cards
delete from card where posted_at < $1

-- name: forget_usage
delete from usage where month < $1
