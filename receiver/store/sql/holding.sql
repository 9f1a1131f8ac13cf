-- What is held and comes back, and what another channel tells in the place of its own.

-- name: hold
update delivery set state = 'held', reason = $2 where channel = $1 and {owed}

-- name: release
update delivery set state = 'queued', reason = '', released_at = $2, due_at = $2
where channel = $1 and state = 'held' and reason in (select value from json_each($3))

-- name: scheduled
-- What the channel $1 holds for its schedule.
channel = $1 and state = 'held' and reason = 'schedule'

-- name: release_due
-- What has fallen due, and all of the groups in the JSON list $3.
update delivery set state = 'queued', reason = '', released_at = $2, due_at = $2
where {scheduled} and (due_at <= $2 or group_key in (select value from json_each($3)))

-- name: next_release
select min(due_at) from delivery where {scheduled}

-- name: no_stand_in
-- That nothing has stood in for it: what could not be told elsewhere once is not told there again and again.
not exists (select 1 from delivery o
  where o.seq between (d.seq >> 16) << 16 and ((d.seq >> 16) << 16) + 65535 and o.stands_in = d.id)

-- name: unrelieved
-- What nobody else tells yet, and what is worth telling elsewhere: a stand-in and a test are not.
d.told_by = '' and d.stands_in = '' and d.test = 0 and {no_stand_in}

-- name: relievable_owed
-- What of high priority the channel owes since before $2, at most $3 of it.
select d.seq, {delivery_columns} from delivery d join event e on e.seq = (d.seq >> 16)
where d.channel = $1 and {owed} and d.priority = 'high' and d.released_at < $2 and {unrelieved} order by d.seq limit $3

-- name: relievable_beside
-- What else the channel owes of the groups in the JSON list $2, at most $3 of it.
select d.seq, {delivery_columns} from delivery d join event e on e.seq = (d.seq >> 16)
where d.channel = $1 and {owed} and d.group_key in (select value from json_each($2)) and {unrelieved}
order by d.seq limit $3

-- name: relievable_held
-- What is held because the channel stopped, at most $2 of it.
select d.seq, {delivery_columns} from delivery d join event e on e.seq = (d.seq >> 16)
where d.channel = $1 and d.state = 'held' and d.reason = 'stopped' and {unrelieved} order by d.seq limit $2

-- name: without_stand_in
-- Those of the deliveries in the JSON list $1 that have not ended and that nobody else tells, and the number of the last
-- delivery of their event.
select d.id, (
  select max(o.seq) from delivery o where o.seq between (d.seq >> 16) << 16 and ((d.seq >> 16) << 16) + 65535)
from json_each($1) l join delivery d on d.id = l.value
where d.state in ('queued', 'sending', 'held') and d.told_by = '' and {no_stand_in}

-- name: withdraw
-- Nobody tells what those of the deliveries in the JSON list $1 stood in for.
update delivery set told_by = '' where id in (
  select d.stands_in from json_each($1) l join delivery d on d.id = l.value where d.stands_in <> '')

-- name: told_there
-- Those of the deliveries in the JSON list $1 whose event the channel $2 was given too.
select d.id from json_each($1) l join delivery d on d.id = l.value where exists (
  select 1 from delivery o where o.seq between (d.seq >> 16) << 16 and ((d.seq >> 16) << 16) + 65535
    and o.channel = $2 and o.stands_in = '')

-- name: set_told_by
update delivery set told_by = v.column2 from (values ($1, $2)) v where delivery.id = v.column1

-- name: resendable
-- Those of the deliveries in the JSON list $1 that can be owed again.
select seq from delivery where id in (select value from json_each($1)) and state in ('held', 'failed', 'expired')

-- name: owe_again
-- The deliveries in the JSON list $1, from $2 on.
update delivery set state = 'queued', reason = '', manual = 1, attempts = 0, merged_into = null,
  released_at = $2, due_at = $2
where seq in (select value from json_each($1))

-- name: deliveries
-- The deliveries in the JSON list $1.
select {delivery_columns} from delivery d join event e on e.seq = (d.seq >> 16)
where d.seq in (select value from json_each($1)) order by d.seq
