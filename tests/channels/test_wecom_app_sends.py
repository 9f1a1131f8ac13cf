"""WeCom's app: no message twice, none dropped for coming too fast, who is mentioned, a card that is kept true once."""

import logging
import traceback
from dataclasses import replace

import pytest
from channel_examples import CANARY, make, text
from mention_samples import MAIL, PHONE, ZHANG, mention
from wecom_office import CARD, CHAT, CORP, KIND

from receiver.channels.base import Confirmation, Updating
from receiver.delivery.window import Window
from receiver.errors import DeliveryError, Rejected, Unavailable, Unchangeable
from receiver.sandbox import Fault
from receiver.text import Mentions

DAY = 86400.0
PEOPLE = (mention(ZHANG), mention(PHONE), mention(MAIL))


class TestOnce:
    @pytest.mark.parametrize("form", [{}, CARD])
    @pytest.mark.parametrize("fault", ["lost", "truncate"])
    async def test_a_retry_after_an_unknown_outcome_is_not_shown_again(self, office, fault, form):
        channel = office.app(**form)
        office.sandbox.fault(f"{KIND}/send", Fault(fault))
        (error,) = await office.post(channel)
        assert (type(error), error.ambiguous) == (Unavailable, True)
        (confirmed,) = await office.post(channel, retried=True)
        assert isinstance(confirmed, Confirmation)
        first, second = office.bodies("message/send")
        assert (first, len(office.sandbox.messages)) == (second, 1)

    async def test_equal_words_are_two_messages(self, office):
        channel = office.app()
        for number in range(20):
            await office.post(channel, message_id=f"0193a1b2c3d4e5f6{number:012d}")
        intervals = [body["duplicate_check_interval"] for body in office.bodies("message/send")]
        assert (len(office.sandbox.messages), len(set(intervals))) == (20, 20)
        assert all(900 <= interval < 3600 for interval in intervals)

    async def test_a_task_id_nobody_can_explain_is_refused(self, office):
        office.sandbox.fault(f"{KIND}/send", Fault("answer", body='{"errcode":42014}'))
        (error,) = await office.post(office.app(**CARD))
        assert type(error) is Rejected


async def test_no_member_is_shown_more_than_its_limit(office):
    channel, window = office.app(), Window()
    begun = office.sandbox.clock()
    for number in range(95):
        at = window.free_at(channel.windows, office.sandbox.clock())
        office.sandbox.clock.advance(at - office.sandbox.clock())
        window.take(at)
        await office.post(channel, text(f"message {number}"), f"{number}")
    assert (len(office.sandbox.messages), len(office.sandbox.dropped)) == (95, 0)
    assert office.sandbox.clock() - begun == pytest.approx(3 * 62)


def test_a_group_chat_has_limits_of_its_own():
    assert [str(rate) for rate in make(KIND).windows] == ["30/62s", "1000/3660s"]
    assert [str(rate) for rate in make(KIND, **CHAT).windows] == ["200/62s"]
    assert [str(rate) for rate in make(KIND, **CHAT, limits={"rate": "5/s"}).windows] == ["5/1s"]


def test_a_busy_group_chat_takes_no_slot_of_the_messages_to_people():
    credentials = [make(KIND, **form).credential for form in ({}, CHAT, {**CHAT, "chat_id": "chat2"}, CHAT)]
    assert (len(set(credentials)), credentials[1]) == (3, credentials[3])


class TestMentions:
    async def mentioned(self, office, channel, plain):
        said = replace(text(plain=plain), mentions=Mentions(PEOPLE, everyone=True))
        await office.post(channel, said)
        return office.sandbox.messages[-1]

    @pytest.mark.parametrize("form", [{}, CARD])
    @pytest.mark.parametrize("plain", [False, True])
    async def test_people_are_named_and_nobody_is_pinged(self, office, form, plain):
        channel = office.app(**form)
        posted = await self.mentioned(office, channel, plain)
        assert posted.mentions == ()
        assert "@张三 @phone @ma_il" in posted.plain
        assert not channel.beside(Mentions(PEOPLE, everyone=True))

    async def test_a_group_chat_is_pinged_in_markdown(self, office):
        channel = office.app(**CHAT)
        posted = await self.mentioned(office, channel, False)
        assert (posted.to, posted.mentions) == (("chat1",), ("ZhangSan",))
        assert posted.plain.endswith("@ZhangSan @phone @ma_il")
        assert channel.beside(Mentions(PEOPLE, everyone=True)) == Mentions(everyone=True)

    async def test_a_group_chat_is_pinged_in_plain_text(self, office):
        posted = await self.mentioned(office, office.app(**CHAT), True)
        assert (posted.msgtype, posted.mentions) == ("text", ("ZhangSan", "all"))
        assert posted.plain.endswith("@phone @ma_il")


@pytest.mark.parametrize(
    "words", ['<a href="http://evil.example/">VPN</a>', '<\u200bA\nhref="http://evil.example/">x</a>']
)
async def test_plain_words_are_no_links(office, words):
    await office.post(office.app(), text(title=words, body=words, plain=True))
    assert office.sandbox.messages[0].links == ()


class TestUpdates:
    """A card shows once that all is over."""

    def resolved(self, **changes):
        return replace(text("All is well", "", "resolved"), **changes)

    async def posted(self, office):
        channel = office.app(**CARD)
        (confirmed,) = await office.post(channel)
        return channel, confirmed.provider_id

    def test_only_cards_with_a_callback_can_be_updated(self):
        forms = [{"format": "template_card"}, {"callback": True}, CARD]
        assert [make(KIND, **form).updating for form in forms] == [None, None, Updating(259200, 1)]

    async def test_a_card_without_a_callback_asks_for_none(self, office):
        channel = office.app(**{**CARD, "callback": False})
        assert await office.post(channel) == [Confirmation(200, "0")]
        assert b"action_menu" not in channel.compose(text(), "0193")

    async def test_once_in_place(self, office):
        channel, code = await self.posted(office)
        assert await office.post(channel, self.resolved(), "2", updates=code) == [Confirmation(200, "0")]
        (shown,) = office.sandbox.messages
        assert (shown.title, shown.updates) == ("All is well", 1)
        (error,) = await office.post(channel, self.resolved(), "3", updates=code)
        assert (type(error), error.code) == (Unchangeable, "42022")

    async def test_an_update_whose_answer_was_lost_is_not_posted_anew(self, office):
        channel, code = await self.posted(office)
        office.sandbox.fault(f"{KIND}/update", Fault("lost"))
        (error,) = await office.post(channel, self.resolved(), "2", updates=code)
        assert (type(error), error.ambiguous) == (Unavailable, True)
        (confirmed,) = await office.post(channel, self.resolved(), "2", updates=code, retried=True)
        assert confirmed == Confirmation(200, "42022")
        assert [shown.updates for shown in office.sandbox.messages] == [1]

    async def test_not_after_three_days(self, office):
        channel, code = await self.posted(office)
        office.sandbox.clock.advance(3 * DAY + 1)
        (error,) = await office.post(channel, self.resolved(), "2", updates=code)
        assert (type(error), error.code) == (Unchangeable, "40058")

    async def test_what_is_no_card_is_posted(self, office):
        channel, code = await self.posted(office)
        assert await office.post(channel, text(plain=True), "2", updates=code) == [Confirmation(200, "0")]
        assert [(shown.msgtype, shown.updates) for shown in office.sandbox.messages] == [
            ("template_card", 0),
            ("text", 0),
        ]

    @pytest.mark.parametrize(
        ("to", "named"),
        [
            ({"users": ["@all"]}, {"atall": 1}),
            ({"users": ["u1", "u2"], "departments": [7], "tags": ["t1", 2]},
             {"userids": ["u1", "u2"], "partyids": [7], "tagids": ["t1", 2]}),
        ],
    )  # fmt: skip
    async def test_it_goes_to_those_who_have_the_card(self, office, to, named):
        channel = office.app(**CARD, to=to)
        (confirmed,) = await office.post(channel)
        await office.post(channel, self.resolved(), "2", updates=confirmed.provider_id)
        (body,) = office.bodies("message/update_template_card")
        kept = {name: body[name] for name in named}
        assert (kept, body["agentid"], set(body) - set(named)) == (
            named, 1000002, {"agentid", "response_code", "template_card"}
        )  # fmt: skip

    async def test_without_a_callback_url_the_alert_goes_out_plain(self, office):
        channel = office.app(**CARD)
        next(iter(office.sandbox.robots.of(KIND, CORP))).callback = False
        (error,) = await office.post(channel)
        assert (type(error), error.code) == (Rejected, "43012")


@pytest.mark.parametrize(("fault", "status"), [("answer", 200), ("answer", 403), ("html", 200), ("close", 0)])
async def test_no_error_and_no_log_shows_the_secret_or_the_token(office, fault, status, caplog):
    caplog.set_level(logging.DEBUG)
    channel = office.app()
    await office.post(channel)
    token = office.sandbox.requests[-1].target.partition("access_token=")[2]
    echo = f'{{"errcode":40058,"errmsg":"corpsecret={CANARY}&access_token={token}"}}'
    office.sandbox.fault(f"{KIND}/send", Fault(fault, status=status, body=echo))
    (error,) = await office.post(channel, message_id="2")
    shown = (
        "".join(traceback.format_exception(error)) + caplog.text + repr(channel) + channel.settings.model_dump_json()
    )
    assert isinstance(error, DeliveryError)
    assert (len(token), token[:32] in shown, CANARY in shown) == (512, False, False)


async def test_what_is_kept_holds_neither_receiver_nor_secret(office):
    channel = office.app(to={"users": ["somebody"]})
    assert b"somebody" not in channel.compose(text(), "1")
    assert CANARY not in f"{channel.targets}{channel.credential}"
