"""The webhook on the wire: the body as it is, the headers, Standard Webhooks, every class of status."""

import orjson
import pytest
from channel_examples import WHSEC, answer, make, message, settings, text
from pydantic import ValidationError

from receiver.errors import Misconfigured, Rejected, Throttled, Unavailable

URL = "https://hook.example/in"


def bare(**changes):
    return make("webhook", url=URL, headers=None, basic_auth=None, signing_secret=None, **changes)


def refused(status, body="", **headers):
    with pytest.raises((Misconfigured, Rejected, Throttled, Unavailable)) as raised:
        bare().check(answer(body, status, **headers))
    return raised.value


def test_the_body_is_what_was_rendered():
    body = '{"é": "\\u0000",\n "x": 1 }'
    assert bare().compose(text("ignored", body), "0193") == body.encode()


def test_a_plain_text_is_wrapped_where_json_is_promised():
    composed = bare().compose(text('a "b"', "c\nd", plain=True), "0193")
    assert orjson.loads(composed) == {"status": "firing", "severity": "critical", "title": 'a "b"', "text": "c\nd"}
    assert bare(content_type="text/plain").compose(text("a", "c\nd", plain=True), "0193") == b"c\nd"


def test_an_unsigned_request_still_has_an_id():
    request = bare().build(message(b"x", "0193ab"), 1e9)
    assert (request.url, request.method, request.body) == (URL, "POST", b"x")
    assert request.headers == {"Content-Type": "application/json; charset=utf-8", "webhook-id": "msg_0193ab"}


def test_a_signed_request_matches_the_vector_of_the_specification():
    channel = make("webhook", signing_secret="whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    request = channel.build(message(b'{"test": 2432232314}', "p5jXN8AQM9LWM0D4loKWxJek"), 1614265330.9)
    assert request.headers["webhook-id"] == "msg_p5jXN8AQM9LWM0D4loKWxJek"
    assert request.headers["webhook-timestamp"] == "1614265330"
    assert request.headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_a_retry_has_the_same_id_and_a_new_time():
    first, second = (make("webhook").build(message(), now).headers for now in (1e9, 2e9))
    assert first["webhook-id"] == second["webhook-id"]
    assert first["webhook-signature"] != second["webhook-signature"]


def test_method_headers_and_credentials_go_along():
    channel = make("webhook", method="PUT", headers={"X-A": ["1", "2"]}, content_type="text/plain")
    request = channel.build(message(), 0)
    assert request.method == "PUT"
    assert request.headers["X-A"] == "1, 2"
    assert request.headers["Authorization"].startswith("Basic ")
    assert request.headers["Content-Type"] == "text/plain; charset=utf-8"


@pytest.mark.parametrize(
    ("url", "sent"),
    [
        ("https://hook.example/a%2Fb?sig=x%2By%3D", "https://hook.example/a%2Fb?sig=x%2By%3D"),
        ("http://Hook.Example:8080", "http://hook.example:8080/"),
        ("https://例子.测试/路", "https://xn--fsqu00a.xn--0zwm56d/%E8%B7%AF"),
        ("https://hook.example./x", "https://hook.example./x"),
        ("http://[fd12::1]:80/x", "http://[fd12::1]:80/x"),
    ],
)
def test_urls_are_kept_byte_for_byte_or_made_ascii(url, sent):
    assert make("webhook", url=url).build(message(), 0).url == sent


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"url": "https://u:p@hook.example/"}, "use basic_auth"),
        ({"url": "ftp://hook.example/"}, "must begin with"),
        ({"url": "/path"}, "must begin with"),
        ({"url": "http://"}, "must begin with|cannot be understood"),
        ({"url": "http://h:99999/"}, "cannot be understood|must begin with"),
        ({"url": "http://a.example\\@b.example/"}, "backslashes"),
        ({"url": "http://[::1/"}, "cannot be understood"),
        ({"method": "GET"}, "POST"),
        ({"headers": {"Webhook-Id": "1"}}, "are set by the service"),
        ({"headers": {"Host": "x"}}, "belongs to the connection"),
        ({"authorization": {"credentials": "x"}}, "keep one"),
        ({"http_config": {"authorization": {"credentials": "x"}}}, "keep one"),
        ({"signing_secret": "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}, "whsec_"),
        ({"signing_secret": "whsec_c2hvcnQ="}, "24 to 64"),
        ({"signing_secret": "whsec_%%%"}, "whsec_"),
        ({"content_type": "a\r\nb"}, "content_type"),
    ],
)
def test_wrong_settings_are_explained(changes, says):
    with pytest.raises(ValidationError, match=says) as raised:
        settings("webhook", **changes)
    assert WHSEC.removeprefix("whsec_") not in str(raised.value)


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_every_2xx_is_sent(status):
    bare().check(answer("", status))


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        *((status, Misconfigured) for status in (301, 302, 307, 308, 401, 403, 410)),
        *((status, Rejected) for status in (400, 404, 405, 413, 415, 422)),
        *((status, Unavailable) for status in (408, 425, 429, 500, 502, 503, 504)),
    ],
)
def test_every_other_status_is_its_class(status, expected):
    assert type(refused(status)) is expected


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(
    ("value", "rest"), [("7", 7), ("0", 0), ("86400", 900), ("Fri, 20 Nov 2026 00:02:00 GMT", 120)]
)
def test_retry_after_is_honoured_up_to_a_quarter_of_an_hour(status, value, rest):
    error = refused(status, Retry_After=value, Date="Fri, 20 Nov 2026 00:00:00 GMT")
    assert (type(error), error.retry_after) == (Throttled, rest)


@pytest.mark.parametrize("value", ["soon", "-1", "1.5", "", "١"])
def test_a_retry_after_that_says_nothing_is_none(value):
    assert type(refused(429, Retry_After=value)) is Unavailable
    assert refused(429, Retry_After=value).reason == "rateLimited"


def test_what_the_endpoint_said_is_kept_short():
    assert refused(400, "missing field\n" + "x" * 900).detail.startswith(
        "the webhook answered HTTP 400: missing field ↵ x"
    )
    assert len(refused(400, "x" * 900).detail) <= 500


def test_values_are_safe_within_json_strings():
    assert bare().escape('a"b\\c\n') == 'a\\"b\\\\c\\n'
    assert bare(content_type="text/plain").escape('a"b') == 'a"b'
