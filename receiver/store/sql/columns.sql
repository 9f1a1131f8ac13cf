-- What the models are read from, in the order of their fields. `{name}` quotes a statement that stands above.

-- name: delivery_columns
-- In the order of model.Delivery.
d.id, e.id, d.channel, d.kind, d.template, d.route, d.group_key, d.priority, d.state, d.created_at, d.released_at,
d.due_at, d.alerts, d.reason, d.attempts, d.firing, d.sent_at, d.merged_into, d.manual, d.test, d.detail, d.told_by,
d.stands_in

-- name: event_columns
-- In the order of model.StoredEvent.
e.id, e.source, e.received_at, e.body, e.path, e.channels

-- name: message_columns
-- In the order of model.Message, without what it carries; a message may have been posted once it was begun or tried.
m.id, m.channel, m.content, m.number, m.total, m.plain, m.state, m.sent_at,
m.state = 'sending' or exists (select 1 from attempt a where a.message = m.seq), m.target, m.updates, m.provider_id
