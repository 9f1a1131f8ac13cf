"""Whom messages that wait are still for, once the configuration names others."""

import pytest

from receiver.delivery.targets import Configured, readdressed, sifted
from receiver.model import Carried, Message, MessageState

NOW = 1_790_000_000.0
WECOM = ('{"touser":"a|b","toparty":"1|2"}', '{"touser":"c"}')
DINGTALK = (
    '{"userIds":["u1","u2"]}',
    '{"openConversationId":"cid6KeBB=="}',
    '{"userid_list":"u1,u2","dept_id_list":"1"}',
)
FEISHU = ('{"receive_id_type":"chat_id","receive_id":"oc_1"}', '{"receive_id_type":"email","receive_id":"a@b.example"}')


@pytest.mark.parametrize("target", [*WECOM, *DINGTALK, *FEISHU])
def test_what_is_configured_stays_as_it_is(target):
    assert Configured([*WECOM, *DINGTALK, *FEISHU]).left_of(target) == target
    assert Configured(("",)).left_of("") == ""


@pytest.mark.parametrize(
    ("target", "targets"),
    [
        ('{"touser":"b"}', WECOM),
        ('{"touser":"b|c"}', WECOM),
        ('{"userIds":["u2"]}', DINGTALK),
        ('{"userid_list":"u2"}', DINGTALK),
        ('{"touser":"a|b"}', ('{"touser":"x|a"}', '{"touser":"b|y"}')),
        ('{ "touser" : "b|a" }', WECOM),
    ],
)
def test_a_part_of_what_is_configured_stays_as_it_is(target, targets):
    assert Configured(targets).left_of(target) == target


@pytest.mark.parametrize(
    ("target", "targets", "left"),
    [
        ('{"touser":"a|x|b"}', WECOM, '{"touser":"a|b"}'),
        ('{"touser":"a|x","toparty":"2|9"}', WECOM, '{"touser":"a","toparty":"2"}'),
        ('{"touser":"a","totag":"7"}', WECOM, '{"touser":"a"}'),
        ('{"userid_list":"x","dept_id_list":"1"}', DINGTALK, '{"dept_id_list":"1"}'),
        ('{"userIds":["x","u2"]}', DINGTALK, '{"userIds":["u2"]}'),
        ('{"userid_list":"u1,x,u2"}', DINGTALK, '{"userid_list":"u1,u2"}'),
        ('{"touser":"张三|李四"}', ('{"touser":"张三"}',), '{"touser":"张三"}'),
    ],
)
def test_who_is_configured_no_more_is_left_out(target, targets, left):
    assert Configured(targets).left_of(target) == left


@pytest.mark.parametrize(
    ("target", "targets"),
    [
        ('{"touser":"x"}', WECOM),
        ('{"toparty":"a"}', WECOM),
        ('{"receive_id_type":"chat_id","receive_id":"oc_2"}', FEISHU),
        ('{"openConversationId":"cid2"}', DINGTALK),
        ('{"touser":"a"}', ("",)),
        ("", WECOM),
        ("not JSON", WECOM),
        ('["a"]', WECOM),
        ("{}", WECOM),
        ('{"touser":"a"}', ()),
    ],
)
def test_for_nobody_who_is_configured(target, targets):
    assert Configured(targets).left_of(target) is None


def message(name, number=1, **changes):
    return Message(f"{name}{number}", "c", b"x", (Carried("d"),), number, target=f'{{"touser":"{name}"}}', **changes)


def test_messages_for_the_configured_are_left_alone():
    assert sifted([message("a"), message("b")], WECOM, NOW) is None
    assert sifted([], WECOM, NOW) is None


def test_what_is_for_less_takes_the_place_of_what_was_for_more():
    both = message("a|x", retried=True, state=MessageState.SENDING, updates="om_1")
    found = sifted([both, message("x"), message("c")], WECOM, NOW)
    new, kept = found.messages
    assert (new.target, new.content, new.updates, new.retried, new.state) == (
        '{"touser":"a"}', b"x", "om_1", False, MessageState.PLANNED,
    )  # fmt: skip
    assert kept == message("c")
    assert (found.fresh, found.dropped) == ((new,), ("a|x1", "x1"))
    assert found.notes == ('configured no more: {"touser":"a|x"}', 'configured no more: {"touser":"x"}')


def test_what_is_for_nobody_is_dropped():
    found = sifted([message("x")], WECOM, NOW)
    assert (found.messages, found.fresh, found.dropped) == ((), (), ("x1",))


def test_many_messages_are_sifted_quickly():
    found = sifted([message(name, number) for number in range(1000) for name in "ax"], WECOM, NOW)
    assert (len(found.messages), len(found.dropped), len(found.notes)) == (1000, 1000, 1)


def test_a_message_to_others_was_never_posted():
    before = message("a|b", retried=True, state=MessageState.SENDING)
    after = readdressed(before, '{"touser":"b"}', NOW)
    assert (after.target, after.state, after.retried) == ('{"touser":"b"}', MessageState.PLANNED, False)
    assert after.id != before.id
