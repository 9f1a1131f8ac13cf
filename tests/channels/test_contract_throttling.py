"""Too fast, as each kind is told so: by code or by HTTP 429, with headers or without; and how long it rests."""

import pytest
from channel_examples import answer, make

from receiver.channels.apps import App
from receiver.channels.registry import CHANNELS
from receiver.errors import DeliveryError, Throttled, Unavailable

DATE = "Fri, 20 Nov 2026 00:00:00 GMT"
AT = 1_795_132_800
"""The same in Unix seconds."""
each_kind = pytest.mark.parametrize("kind", CHANNELS)
BODIES = [b"", b"slow down", b'{"errcode":424242,"code":424242,"errmsg":"new"}', b'{"errcode":0,"code":0}']
ASKED = [
    ({"Retry_After": "7"}, 7),
    ({"Retry_After": "86400"}, 900),
    ({"Retry_After": "Fri, 20 Nov 2026 00:02:00 GMT"}, 120),
    ({"X_Ogw_Ratelimit_Reset": "52"}, 52),
    ({"RateLimit_Reset": "52"}, 52),
    ({"X_RateLimit_Reset": "52"}, 52),
    ({"X_RateLimit_Reset": str(AT + 52)}, 52),
    ({"X_RateLimit_Reset": str(AT + 5000)}, 900),
    ({"Retry_After": "7", "X_RateLimit_Reset": "52"}, 7),
    ({"Retry_After": "soon", "RateLimit_Reset": "52"}, 52),
]


def judged(kind, body, status=200, **headers):
    with pytest.raises(DeliveryError) as raised:
        make(kind).check(answer(body, status, **headers))
    return raised.value


@each_kind
@pytest.mark.parametrize("body", [b"", b"slow down"])
@pytest.mark.parametrize(("headers", "seconds"), ASKED)
def test_429_rests_as_long_as_its_headers_ask(kind, body, headers, seconds):
    error = judged(kind, body, 429, Date=DATE, **headers)
    assert (type(error), error.retry_after, error.reason) == (Throttled, seconds, "rateLimited")


@each_kind
@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize("headers", [{}, {"Retry_After": "soon"}, {"RateLimit_Reset": "-1"}])
def test_429_that_does_not_say_how_long(kind, body, headers):
    error = judged(kind, body, 429, **headers)
    assert type(error) is (Unavailable if kind == "webhook" else Throttled)
    assert kind == "webhook" or error.retry_after == 60
    assert error.reason == "rateLimited"


@each_kind
def test_429_with_a_code_that_nobody_documents_rests_as_well(kind):
    error = judged(kind, BODIES[2], 429, Retry_After="600")
    assert (type(error), error.retry_after) == (Throttled, 600)


@pytest.mark.parametrize("kind", [kind for kind in CHANNELS if issubclass(CHANNELS[kind], App)])
@pytest.mark.parametrize(("headers", "seconds"), ASKED)
def test_so_does_who_asks_for_a_token(kind, headers, seconds):
    with pytest.raises(Throttled) as raised:
        make(kind).token_of(answer("", 429, Date=DATE, **headers))
    assert raised.value.retry_after == seconds


CODES = [
    ("wecom_robot", '{"errcode":45009,"errmsg":"api freq out of limit"}', 60),
    ("wecom_robot", '{"errcode":45033,"errmsg":"api concurrent out of limit"}', 5),
    ("wecom_app", '{"errcode":45009,"errmsg":"api freq out of limit"}', 60),
    ("wecom_app", '{"errcode":45033,"errmsg":"api concurrent out of limit"}', 5),
    ("dingtalk_robot", '{"errcode":410100,"errmsg":"send too fast"}', 600),
    ("dingtalk_robot", '{"errcode":130101,"errmsg":"send too fast"}', 600),
    ("dingtalk_robot", '{"errcode":660026,"errmsg":"sending too many messages per minute"}', 600),
    ("dingtalk_robot", '{"status":1111,"wait":5,"source":"x5","punish":"deny","uuid":"x"}', 300),
    ("dingtalk_app", '{"errcode":88,"sub_code":"90018","sub_msg":"x"}', 1),
    ("dingtalk_app", '{"code":"send.too.fast","message":"x"}', 60),
    ("feishu_bot", '{"code":11232,"msg":"frequency limited"}', 60),
    ("feishu_bot", '{"code":9499,"msg":"too many request"}', 60),
    ("feishu_app", '{"code":11232,"msg":"frequency limited"}', 60),
    ("feishu_app", '{"code":99991400,"msg":"request trigger frequency limit"}', 60),
    ("feishu_app", '{"code":230020,"msg":"This operation triggers the frequency limit."}', 1),
]


@pytest.mark.parametrize("status", [200, 400, 429])
@pytest.mark.parametrize(("kind", "body", "seconds"), CODES)
def test_each_code_rests_as_documented_whatever_the_status(kind, body, seconds, status):
    error = judged(kind, body, status)
    assert (type(error), error.retry_after) == (Throttled, seconds)


@pytest.mark.parametrize(("kind", "body", "seconds"), CODES)
def test_a_header_can_ask_for_more(kind, body, seconds):
    assert judged(kind, body, 429, Retry_After="700").retry_after == 700


@pytest.mark.parametrize(("kind", "body", "seconds"), [row for row in CODES if row[0] != "feishu_app"])
def test_but_for_no_less_than_is_documented(kind, body, seconds):
    assert judged(kind, body, 429, X_Ogw_Ratelimit_Reset="1", Retry_After="0").retry_after == seconds


def test_feishu_documents_the_header_itself():
    assert judged("feishu_app", '{"code":99991400}', 400, X_Ogw_Ratelimit_Reset="3").retry_after == 3


def test_a_page_of_dingtalk_bans_for_no_less_than_five_minutes():
    assert judged("dingtalk_robot", "<html>", 429, Retry_After="7").retry_after == 300
    assert judged("dingtalk_app", "<html>", 429, Retry_After="600").retry_after == 600


@pytest.mark.parametrize(
    ("headers", "error"), [({"Retry_After": "7"}, Throttled), ({"RateLimit_Reset": "7"}, Unavailable)]
)
def test_of_a_webhook_that_is_down_only_retry_after_counts(headers, error):
    assert type(judged("webhook", b"", 503, **headers)) is error
