"""A channel that does what a script says, and its sender over a real store with a clock that is set by hand."""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict, deque
from zoneinfo import ZoneInfo

from stage import eventually

from receiver.channels.base import Channel, ChannelSettings, Confirmation
from receiver.contacts import Contacts
from receiver.delivery import dispatch
from receiver.delivery.rendering import Rendering
from receiver.delivery.rendering.samples import alert, event
from receiver.metrics import Metrics
from receiver.model import Delivery, State, StoredEvent, new_id
from receiver.store.sqlite import open_sqlite
from receiver.text import Text

NOW = 1_790_000_000.0
OK = Confirmation(200, "0")
THREE = [{"labels": {"alertname": f"A{number}"}, "fingerprint": str(number)} for number in range(3)]
"""Alerts that make three messages for each target."""


def target(*names):
    """How the scripted channel writes a target: one or several names."""
    return json.dumps({"to": "|".join(names)}, separators=(",", ":"))


class Scripted(Channel):
    """Sends to each target whatever its script has next; OK when there is nothing more.

    An outcome is a Confirmation, an error to be raised, or something to be awaited first. `sent` are the messages in
    the order in which they were posted, `arrived` those that were confirmed.
    """

    kind = "scripted"
    Settings = ChannelSettings
    credential = "scripted"
    identity = ("scripted", None)
    windows = ()
    targets = ("",)

    def __init__(self, *names):
        super().__init__(ChannelSettings(name="infra", kind="scripted"), None)
        self.script = defaultdict(deque)
        self.sent, self.arrived = [], []
        self.aim(*names)

    def aim(self, *names):
        """Have these targets from now on."""
        self.targets = tuple(target(name) for name in names) if names else ("",)

    def will(self, name, *outcomes):
        """What the next posts to a target come to."""
        self.script[target(*name.split("|")) if name else ""].extend(outcomes)

    def room(self, plain):
        return 10_000

    def weigh(self, text):
        return len(text.encode())

    def fill(self, content):
        return len(content), 10_000

    def compose(self, text, message_id):
        said = {"title": text.title, "body": text.body, "plain": text.plain, "muted": text.muted}
        return json.dumps(said, ensure_ascii=False).encode()

    def build(self, message, now):
        raise NotImplementedError

    def check(self, response):
        raise NotImplementedError

    async def send(self, message, now):
        script = self.script[message.target]
        outcome = script.popleft() if script else OK
        self.sent.append(message)
        if asyncio.iscoroutine(outcome):
            outcome = await outcome
        if isinstance(outcome, Exception):
            raise outcome
        self.arrived.append(message)
        return outcome


class Words:
    """In the place of a renderer: every alert is a message of its own, in plain text if a template failed."""

    failed = False

    def language(self, channel):
        return "en"

    def render(self, channel, batch, now, *, plain=False, mentions=None):
        texts = (
            Text(one["labels"]["alertname"], one["status"], one["status"], plain=plain or self.failed, alerts=(number,))
            for number, one in enumerate(batch.alerts)
        )
        return Rendering(tuple(texts))


class Post:
    """One scripted channel with its sender; `crash` and `open` are what a restart is made of."""

    def __init__(self, folder, channel):
        self.folder, self.channel, self.now = folder, channel, NOW
        self.metrics, self.words = Metrics(), Words()

    async def open(self):
        self.store = await open_sqlite(self.folder / "x.db", ballast=0, clock=lambda: self.now)
        self.dispatcher = await dispatch.build(
            [self.channel],
            self.store,
            self.words,
            Contacts((), ZoneInfo("UTC")),
            self.metrics,
            routed=lambda *_: (),
            read=lambda stored: event(*(alert(**one) for one in json.loads(stored.body))),
            record_url=lambda _: "",
        )
        self.dispatcher.start()

    async def close(self):
        await self.dispatcher.drain(5.0)
        await self.store.close()

    async def crash(self):
        """End in the middle of whatever is under way: nobody finishes anything."""
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()
        await asyncio.sleep(0)
        await self.store.close()

    async def restart(self):
        await self.crash()
        await self.open()

    async def give(self, *alerts, group="g", path="/webhook"):
        """Owe the channel one event; the id of its delivery."""
        body = json.dumps(list(alerts) or [{}]).encode()
        stored = StoredEvent(new_id(self.now), "am", self.now, body, path)
        owed = Delivery(
            id=new_id(self.now),
            event_id=stored.id,
            channel="infra",
            kind="scripted",
            template="default",
            route="route",
            group=group,
            priority="normal",
            state=State.QUEUED,
            created_at=self.now,
            released_at=self.now,
            firing=any(one.get("status") != "resolved" for one in alerts) if alerts else True,
        )
        await self.store.accept(stored, [owed], [])
        self.dispatcher.wake(["infra"])
        return owed.id

    async def put_off(self, owed):
        """Wait until a try is written down that comes to nothing yet."""

        async def tried():
            record = await self.store.record(owed)
            return record.delivery.state is State.QUEUED and any(attempt.error for attempt in record.attempts)

        await eventually(tried, 5.0)

    def later(self, seconds):
        """Move the clock on, and have the sender look at it."""
        self.now += seconds
        self.dispatcher.wake(["infra"])

    async def enable(self):
        await self.dispatcher.senders["infra"].change("enabled", "")

    async def delivery(self, owed):
        return (await self.store.record(owed)).delivery

    async def until(self, owed, state, reason=None):
        """The record once its delivery has come to a state, and to a reason."""

        async def come():
            record = await self.store.record(owed)
            fits = record.delivery.state == state and reason in (None, record.delivery.reason)
            return record if fits else None

        return await eventually(come, 5.0)

    @property
    def standing(self):
        return self.dispatcher.senders["infra"].standing

    @property
    def failures(self):
        """Deliveries given up, as the metrics count them."""
        name = "alertreceiver_notifications_failed_total"
        lines = self.metrics.exposition().decode().splitlines()
        return sum(float(line.split()[-1]) for line in lines if line.startswith(name))

    @property
    def told(self):
        """(target's names, number of the part) of every message that was posted, in order."""
        return [(_names(message.target), message.number) for message in self.channel.sent]

    def freeze(self, what, number):
        """Let the store stand still from the `number`th call of `what` (begin, settle) on; set when it does.

        What is settled in the same turn of the loop as a begin is of one commit with it: both are done, or neither.
        """
        frozen, calls = asyncio.Event(), 0

        def held(name):
            method = getattr(self.store, name)

            async def call(*args):
                nonlocal calls
                calls += name == what
                if name == "begin":
                    await asyncio.sleep(0.05 if calls == number and name == what else 0)
                if name == what and calls == number:
                    frozen.set()
                if frozen.is_set():
                    await asyncio.sleep(3600)
                return await method(*args)

            setattr(self.store, name, call)

        held("begin")
        held("settle")
        return frozen


def _names(written):
    return json.loads(written)["to"] if written else ""
