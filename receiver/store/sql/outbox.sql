-- The outbox: what is accepted, what is owed, what is being sent. `$n` are the parameters, `{name}` quotes a
-- statement that stands above or in columns.sql.

-- name: owed
-- What the partial indexes cover, in their very words.
state in ('queued', 'sending')

-- name: find_mark
-- The event of the mark numbered $1, if it is the one meant and its window has not ended. A first event further ahead
-- than the window is a clock that was set back.
select m.event from mark m join event e on e.seq = m.event and e.received_at = m.at
where m.seq = $1 and m.scope = $2 and m.digest = $3 and m.at > $4 - $5 and m.at < $4 + $5

-- name: insert_mark
insert into mark (seq, scope, digest, event, at, until) values ($1, $2, $3, $4, $5, $6)

-- name: all_marks
select seq, scope from mark order by seq

-- name: oldest_marks
select seq, scope, at, until from mark where seq > $1 order by seq limit $2

-- name: forget_marks
delete from mark where seq in (select value from json_each($1))

-- name: insert_event
insert into event (seq, id, source, path, channels, received_at, body) values ($1, $2, $3, $4, $5, $6, $7)

-- name: last_event
select coalesce(max(seq), 0) from event

-- name: event_id
select id from event where seq = $1

-- name: insert_delivery
-- All that can be known of a delivery when it is new.
insert into delivery (
  seq, id, channel, kind, template, route, group_key, priority, state, created_at, released_at, due_at, alerts,
  reason, attempts, firing, manual, test, stands_in
) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)

-- name: deliveries_of_event
select {delivery_columns} from event e join delivery d on d.seq between (e.seq << 16) and (e.seq << 16) + 65535
where e.seq = $1 order by d.seq

-- name: owed_after
-- What the channel owes after the number $2, at most $3 of it.
select d.seq, {delivery_columns}, {event_columns}
from delivery d join event e on e.seq = (d.seq >> 16)
where d.channel = $1 and d.seq > $2 and {owed} order by d.seq limit $3

-- name: begun
-- Those of the deliveries in the JSON list $1 that any message carries.
select l.value from json_each($1) l where exists (select 1 from carries c where c.delivery = l.value)

-- name: unsettled
-- Which messages of the deliveries in the JSON list $1 are not settled, but for those beside the others.
select c.delivery, m.seq from carries c join message m on m.seq = c.message
where c.delivery in (select value from json_each($1)) and m.state in ('planned', 'sending') and m.number > 0
order by m.number, m.seq

-- name: messages
-- The messages in the JSON list $1.
select m.seq, {message_columns} from message m where m.seq in (select value from json_each($1)) order by m.seq

-- name: carried
-- The first $2 deliveries that each message in the JSON list $1 carries, and the delivery $3 wherever it stands.
select c.message, d.id, c.alerts, c.detail from carries c join delivery d on d.seq = c.delivery
where c.message in (select value from json_each($1)) and (c.position < $2 or c.delivery = $3)
order by c.message, c.position

-- name: for_good
-- That a message was refused for good: nothing plainer took its place, and it is not that it does not reach somebody.
m.state = 'failed' and m.plain = 1 and not exists (select 1 from attempt a where a.message = m.seq and a.note <> '')

-- name: refused
-- Those of the deliveries in the JSON list $1 of which a message was refused for good, and why.
select c.delivery, coalesce(
  (select a.error from attempt a where a.message = m.seq order by a.seq desc limit 1), 'a part of it was refused')
from carries c join message m on m.seq = c.message
where c.delivery in (select value from json_each($1)) and {for_good} order by m.seq

-- name: told
-- Which alerts of the deliveries in the JSON list $1 were told, or refused for good. What is sent again to several
-- receivers goes to all of them: one who was told says nothing of the others.
select c.delivery, c.alerts from carries c join message m on m.seq = c.message join delivery d on d.seq = c.delivery
where c.delivery in (select value from json_each($1)) and (m.state = 'sent' or {for_good})
  and (d.manual = 0 or m.target = '' or m.began_at >= d.released_at)

-- name: reached
-- Those of the deliveries in the JSON list $1 of which a message was sent, other than one beside the others, or one that
-- only says that an older one does not count any more.
select c.delivery, 1 from carries c join message m on m.seq = c.message
where c.delivery in (select value from json_each($1)) and m.state = 'sent' and m.number > 0
  and (m.updates = '' or c.alerts <> '[]')

-- name: notes
-- Whom the deliveries in the JSON list $1 do not reach, as far as that is known.
select c.delivery, a.note from carries c join message m on m.seq = c.message join attempt a on a.message = m.seq
where c.delivery in (select value from json_each($1)) and m.state in ('sent', 'failed') and a.note <> ''
order by a.seq

-- name: channels_of
-- The channels of the deliveries in the JSON list $1.
select id, channel from delivery where id in (select value from json_each($1))

-- name: last_success
select channel, max(sent_at) from (select channel, sent_at from message order by seq desc limit 20000)
where sent_at is not null group by channel

-- name: insert_message
insert into message (id, channel, content, number, total, plain, state, began_at, target, updates)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)

-- name: insert_carries
-- The message $1 carries, at the position $2, of the delivery $3 the alerts $4, as fully as $5 says.
insert into carries (message, position, delivery, alerts, detail)
select m.seq, v.column2, d.seq, v.column4, v.column5 from (values ($1, $2, $3, $4, $5)) v
cross join message m on m.id = v.column1 cross join delivery d on d.id = v.column3

-- name: begin_message
update message set state = 'sending', began_at = $2 where id = $1

-- name: begin_deliveries
-- What the messages in the JSON list $1 carry, but for those beside the others.
update delivery set state = 'sending'
where state = 'queued' and seq in (
  select c.delivery from message m join carries c on c.message = m.seq
  where m.id in (select value from json_each($1)) and m.number > 0)

-- name: insert_slot
insert into slot (credential, at) values ($1, $2)

-- name: count_posts
insert into usage (credential, month, posts) values ($1, $2, $3)
on conflict (credential, month) do update set posts = posts + excluded.posts

-- name: used
select posts from usage where credential = $1 and month = $2

-- name: settle_message
update message set state = v.column2, sent_at = coalesce(v.column3, sent_at)
from (values ($1, $2, $3)) v where message.id = v.column1

-- name: name_message
update message set provider_id = $2 where id = $1

-- name: discard_messages
-- The messages in the JSON list $1, as far as they were not settled.
update message set state = 'discarded'
where id in (select value from json_each($1)) and state in ('planned', 'sending')

-- name: discard_unsent
-- All messages of the deliveries in the JSON list $1 that were not sent.
update message set state = 'discarded' where state <> 'sent' and seq in (
  select c.message from delivery d join carries c on c.delivery = d.seq
  where d.id in (select value from json_each($1)))

-- name: keep_card
insert into card (channel, group_key, target, number, provider_id, posted_at, updates, told, rank, live)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
on conflict (channel, group_key, target, number) do update set provider_id = excluded.provider_id,
posted_at = excluded.posted_at, updates = excluded.updates, told = excluded.told, rank = excluded.rank,
live = excluded.live

-- name: retire_card
update card set live = 0 where channel = $1 and group_key = $2 and provider_id = $3

-- name: cards
select channel, group_key, target, number, provider_id, posted_at, updates, told, rank, live from card
where channel = $1 and group_key = $2 order by number, target

-- name: insert_attempt
insert into attempt (message, at, duration, http_status, provider_code, error, note)
select m.seq, v.column2, v.column3, v.column4, v.column5, v.column6, v.column7
from (values ($1, $2, $3, $4, $5, $6, $7)) v
cross join message m on m.id = v.column1

-- name: move_delivery
-- An end is an end; and what was held while it was being sent stays held unless it has ended.
update delivery set
  state = case when state = 'held' and v.column2 in ('queued', 'sending') then state else v.column2 end,
  reason = case when state = 'held' and v.column2 in ('queued', 'sending') then reason else v.column3 end,
  due_at = case when v.column2 = 'queued' then v.column4 else due_at end,
  attempts = v.column5, sent_at = coalesce(v.column6, sent_at),
  detail = case when v.column7 <> '' then v.column7 else detail end, merged_into = coalesce(v.column8, merged_into)
from (values ($1, $2, $3, $4, $5, $6, $7, $8)) v
where delivery.id = v.column1 and state in ('queued', 'sending', 'held')

-- name: hold_credential
-- The longer hold wins, unless it is longer by more than $3: then it comes from a clock that was set back.
insert into credential (name, hold_until) values ($1, $2)
on conflict (name) do update set hold_until = excluded.hold_until
where not credential.hold_until between excluded.hold_until and excluded.hold_until + $3

-- name: slots
select at from slot where credential = $1 and at > $2 order by at

-- name: credential_hold
select hold_until from credential where name = $1

-- name: channels
select name, state, reason, failures, changed_at, settings from channel

-- name: set_channel
insert into channel (name, state, reason, failures, changed_at, settings) values ($1, $2, $3, $4, $5, $6)
on conflict (name) do update set state = excluded.state, reason = excluded.reason, failures = excluded.failures,
changed_at = excluded.changed_at, settings = excluded.settings

-- name: backlog
select channel, count(*), min(released_at) from delivery where {owed} group by channel

-- name: beat
update pulse set beat = beat + 1
