"""Every code of Feishu's app, for a post and for an update: its class, and how long to wait."""

import orjson
import pytest
from channel_examples import answer, make

from receiver.channels.feishu_codes import AUTH, CODES
from receiver.channels.tokens import TokenRefused
from receiver.errors import DeliveryError, Misconfigured, Rejected, Throttled, Unavailable, Unchangeable, Unreachable

ONE, TWO = {"chat_ids": ["oc_1"]}, {"chat_ids": ["oc_1", "oc_2"]}


def judged(code, status=400, *, updating=False, to=TWO, said="", **headers):
    """The error that an answer means."""
    channel = make("feishu_app", to=to)
    given = answer(orjson.dumps({"code": int(code), "msg": said}), status, **headers)
    with pytest.raises(DeliveryError) as raised:
        (channel.check_update if updating else channel.check)(given)
    error = raised.value
    return error.meaning if isinstance(error, TokenRefused) else error


@pytest.mark.parametrize("status", [200, 400, 500])
@pytest.mark.parametrize("code", CODES)
def test_each_is_its_class_whatever_the_status(code, status):
    error = judged(code, status)
    expected = Rejected if CODES[code].error is Unchangeable else CODES[code].error
    assert (type(error), error.code, error.http_status) == (expected, code, status)
    assert CODES[code].source


@pytest.mark.parametrize("code", [code for code in CODES if CODES[code].error is Unreachable])
def test_a_receiver_that_is_alone_stops_the_channel(code):
    assert type(judged(code, to=ONE)) is Misconfigured


@pytest.mark.parametrize("code", CODES)
def test_of_an_update_each_is_its_class_or_has_it_posted_anew(code):
    anew = CODES[code].error in (Unreachable, Unchangeable) or code in ("230001", "230027")
    assert type(judged(code, updating=True)) is (Unchangeable if anew else CODES[code].error)


@pytest.mark.parametrize("code", ["230011", "230031", "230110", "230002"])
def test_the_codes_of_a_message_that_is_gone(code):
    assert type(judged(code, updating=True, to=ONE)) is Unchangeable


@pytest.mark.parametrize("code", AUTH)
@pytest.mark.parametrize("updating", [False, True])
def test_a_refused_token_is_told_apart(code, updating):
    channel = make("feishu_app")
    with pytest.raises(TokenRefused):
        (channel.check_update if updating else channel.check)(answer(f'{{"code":{code}}}', 400))


@pytest.mark.parametrize(
    ("code", "status", "expected"),
    [(424242, 200, Rejected), (424242, 400, Rejected), (424242, 429, Throttled), (424242, 502, Unavailable)],
)
def test_an_unknown_one_goes_by_the_status(code, status, expected):
    assert type(judged(code, status)) is expected


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"X_Ogw_Ratelimit_Reset": "52"}, 52),
        ({"x_ogw_ratelimit_reset": "99999"}, 900),
        ({"x_ogw_ratelimit_reset": "soon"}, 60),
        ({}, 60),
    ],
)
def test_too_many_calls_rest_as_long_as_the_answer_says(headers, seconds):
    assert judged(99991400, 429, **headers).retry_after == seconds


@pytest.mark.parametrize("code", [230020, 230049, 18121])
def test_too_many_to_one_receiver_rest_a_second(code):
    assert judged(code).retry_after == 1


def test_a_wrong_parameter_may_be_the_receiver():
    assert type(judged(230001, said="invalid request parameter, ext=invalid receive_id.")) is Unreachable
    assert type(judged(230001, said="ext=invalid msg_type")) is Rejected


def test_a_bad_card_names_its_part():
    assert judged(230099, said="ext=ErrCode: 200621; ErrMsg: parse card").code == "230099/200621"


@pytest.mark.parametrize(
    ("body", "status", "expected"),
    [
        ("404 page not found", 404, Misconfigured),
        ("<html>", 200, Unavailable),
        ('{"code":"x"}', 200, Unavailable),
        ('{"code":0}', 500, Unavailable),
        ("", 302, Misconfigured),
    ],
)
def test_answers_without_a_code(body, status, expected):
    with pytest.raises(expected):
        make("feishu_app").check(answer(body, status))


@pytest.mark.parametrize("data", ["1", '{"msg_type":"interactive"}', '{"msg_type":"interactive","message_id":1}'])
def test_a_card_without_a_name_was_sent_all_the_same(data):
    assert make("feishu_app").check(answer(f'{{"code":0,"data":{data}}}')).provider_id == ""
