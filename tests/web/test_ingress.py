"""POST /webhook over a real socket: who may post, what is too large, too deep or malformed, and how it is answered."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import hmac
import json
import time
import zlib
from base64 import b64encode
from pathlib import Path

import aiohttp
import pytest
from raw_client import Connection, chunked, exchange, post
from stage import eventually, free_port, notification

from receiver.web import ingress

SENDERS = [
    {"name": "alertmanager", "token": "token-one"},
    {"name": "alertmanager", "token": "token-two"},
    {"name": "ops", "username": "ops", "password": "pässword"},
    {"name": "grafana", "hmac_secret": "secret"},
    {"name": "grafana", "hmac_secret": "the next secret"},
    {
        "name": "stamped",
        "hmac_secret": "secret",
        "hmac_header": "X-Stamped",
        "hmac_timestamp_header": "X-Grafana-Alerting-Timestamp",
    },
]
VECTOR = b'{"a":1}'
SIGNED = "aa9e2e3575f5d7098b6caccd790888c36d5fdb63342a73bada2d6a51747a8494"
SIGNED_AT_1700000000 = "4f0bff5cd8903c8149837f5187dd1ebbb1ba3fe7acd2a8b61cb3fb91e509a6ad"
MIB = 1024**2
JSON = b"Content-Type: application/json"


@pytest.fixture
async def guarded(face):
    """The service with every way to prove oneself."""
    return await face(auth={"webhooks": SENDERS})


@pytest.fixture
async def small(face, tmp_path):
    """The service that takes no more than 1 MiB."""
    return await face(server={"listen": f"127.0.0.1:{free_port()}", "max_body": "1MiB"})


def basic(name, password):
    return b"Authorization: Basic " + b64encode(f"{name}:{password}".encode())


def signed(body, secret="secret", prefix=b""):  # noqa: S107 - made up
    return hmac.new(secret.encode(), prefix + body, hashlib.sha256).hexdigest()


def grafana(signature):
    return f"X-Grafana-Alerting-Signature: {signature}".encode()


def is_an_error(answer, status):
    """A well-formed error: the status, JSON with a word and a sentence, and nothing of what serves it."""
    assert answer.status == status, (answer.status, answer.body[:300])
    assert set(answer.json) == {"error", "detail"}
    assert answer.json["error"]
    assert answer.json["detail"]
    assert answer.headers["content-type"].startswith("application/json")
    assert "server" not in answer.headers
    return True


# -- who may post


@pytest.mark.parametrize(
    "header", [b"Authorization: Bearer token-one", b"authorization: bearer token-two", basic("ops", "pässword")]
)
async def test_each_credential_lets_its_sender_in(guarded, header):
    answer = await guarded.send(notification("A"), header)
    assert (answer.status, answer.json["alerts"]) == (202, 1)
    assert "server" not in answer.headers


WRONG = {
    "nothing": (),
    "empty": (b"Authorization:",),
    "a scheme only": (b"Authorization: Bearer",),
    "an empty token": (b"Authorization: Bearer ",),
    "wrong": (b"Authorization: Bearer token-three",),
    "a part of it": (b"Authorization: Bearer token-on",),
    "non-ASCII": ("Authorization: Bearer tökén".encode(),),
    "not even UTF-8": (b"Authorization: Bearer \xff\xfe\x80",),
    "basic that is no base64": (b"Authorization: Basic !!!",),
    "basic without a colon": (b"Authorization: Basic " + b64encode(b"ops"),),
    "basic with bytes": (b"Authorization: Basic " + b64encode(b"ops:\xff\xfe"),),
    "an empty password": (basic("ops", ""),),
    "a token as a password": (basic("alertmanager", "token-one"),),
    "7 kB": (b"Authorization: Bearer " + b"x" * 7000,),
    "a signature that is none": (grafana("f" * 63),),
    "a wrong signature": (grafana("f" * 64),),
    "a signature in capitals": (grafana(SIGNED.upper()),),
    "a non-ASCII signature": (grafana("ü" * 64),),
    "an empty signature": (grafana(""),),
}


@pytest.mark.parametrize("headers", WRONG.values(), ids=WRONG)
async def test_a_wrong_credential_is_a_401(guarded, headers):
    answer = await guarded.send(VECTOR, *headers)
    assert is_an_error(answer, 401)
    assert "www-authenticate" in answer.headers


async def test_a_credential_of_a_megabyte_is_refused_before_it_is_read(guarded):
    answer = await guarded.send(b"{}", b"Authorization: Bearer " + b"x" * MIB)
    assert is_an_error(answer, 400)
    assert b"xxxx" not in answer.body
    assert (await guarded.send(notification("A"), b"Authorization: Bearer token-one")).status == 202


async def test_a_refusal_is_counted_and_leaves_nothing_behind(guarded):
    await guarded.send(notification("A"), b"Authorization: Bearer wrong")
    metrics = guarded.service.metrics.exposition().decode()
    assert 'alertreceiver_events_rejected_total{reason="unauthorized",source="unknown"} 1.0' in metrics
    assert (await guarded.service.store.quarantined())[0] == []


@pytest.mark.parametrize("secret", ["secret", "the next secret"])
async def test_a_signature_over_the_raw_body_lets_grafana_in(guarded, secret):
    body = json.dumps(notification("A"), indent=3).encode()
    answer = await guarded.send(body, grafana(signed(body, secret)))
    assert answer.status == 202
    metrics = guarded.service.metrics.exposition().decode()
    assert 'alertreceiver_events_received_total{source="grafana"} 1.0' in metrics


async def test_grafanas_vector_is_a_valid_signature_over_a_bad_body(guarded):
    assert is_an_error(await guarded.send(VECTOR, grafana(SIGNED)), 400)
    assert is_an_error(await guarded.send(b'{"a": 1}', grafana(SIGNED)), 401)


async def test_every_flipped_bit_breaks_a_signature(guarded):
    for position in range(0, 64, 7):
        flipped = SIGNED[:position] + f"{int(SIGNED[position], 16) ^ 1:x}" + SIGNED[position + 1 :]
        assert (await guarded.send(VECTOR, grafana(flipped))).status == 401


STALE = {
    "none": None,
    "empty": b"",
    "1700000000 of the vector": b"1700000000",
    "a fraction": b"%d.5" % time.time(),
    "not a number": b"now",
    "far ahead": b"9" * 400,
    "superscript digits": "²³".encode(),
}


@pytest.mark.parametrize("stamp", STALE.values(), ids=STALE)
async def test_a_timestamp_that_is_missing_or_stale_is_a_401(guarded, stamp):
    stamps = () if stamp is None else (b"X-Grafana-Alerting-Timestamp: " + stamp,)
    signature = signed(VECTOR, prefix=(stamp or b"") + b":")
    if stamp == b"1700000000":
        assert signature == SIGNED_AT_1700000000
    assert is_an_error(await guarded.send(VECTOR, b"X-Stamped: " + signature.encode(), *stamps), 401)


async def test_a_fresh_timestamp_is_part_of_what_is_signed(guarded):
    body, now = json.dumps(notification("A")).encode(), int(time.time())
    signature = b"X-Stamped: " + signed(body, prefix=b"%d:" % now).encode()
    assert (await guarded.send(body, signature, b"X-Grafana-Alerting-Timestamp: %d" % now)).status == 202
    assert (await guarded.send(body, signature, b"X-Grafana-Alerting-Timestamp: %d" % (now + 1))).status == 401


async def test_a_replayed_signed_body_is_a_duplicate_wherever_it_is_sent(guarded):
    body = json.dumps(notification("A")).encode()
    proof = grafana(signed(body))
    first = (await guarded.send(body, proof)).json
    assert first["duplicate"] is False
    elsewhere = {"path": b"/webhook/grafana?channel=feishu"}
    for again in (
        await guarded.send(body, proof),
        await guarded.send(body, proof, **elsewhere),
        await guarded.send(body, proof, b"X-Stamped: anything", **elsewhere),
    ):
        assert (again.status, again.json["duplicate"], again.json["id"]) == (202, True, first["id"])


# -- how large


async def test_a_large_body_is_taken_up_to_the_limit(small, providers):
    body = json.dumps(notification("A")).encode()
    assert (await small.send(body + b" " * (MIB - len(body)))).status == 202
    assert is_an_error(await small.send(body + b" " * (MIB - len(body) + 1)), 413)


async def test_a_length_beyond_the_limit_is_refused_before_the_body_is_sent(small):
    answer = await exchange(small.port, post(b"", JSON, b"Content-Length: %d" % (MIB + 1)))
    assert is_an_error(answer, 413)
    assert answer.headers["connection"] == "close"


async def test_chunks_beyond_the_limit_are_refused(small):
    body = chunked(*[b" " * 65536] * 17)
    assert is_an_error(await exchange(small.port, post(body, JSON, b"Transfer-Encoding: chunked")), 413)


async def test_a_compressed_body_is_measured_after_it_was_decoded(small):
    body = json.dumps(notification("A")).encode()
    assert (await small.send(gzip.compress(body), b"Content-Encoding: gzip")).status == 202
    packed = gzip.compress(json.dumps(notification("B")).encode() + b" " * MIB)
    assert len(packed) < 10_000
    assert is_an_error(await small.send(packed, b"Content-Encoding: gzip"), 413)


async def test_the_refusals_are_counted_by_reason(small):
    await small.send(b" " * (MIB + 1))
    await small.send(b"{")
    metrics = small.service.metrics.exposition().decode()
    assert 'alertreceiver_events_rejected_total{reason="tooLarge",source="unknown"} 1.0' in metrics
    assert 'alertreceiver_events_rejected_total{reason="badBody",source="unknown"} 1.0' in metrics


def bomb(size):
    """`size` bytes of blanks, compressed a thousandfold."""
    packer = zlib.compressobj(9, wbits=31)
    return b"".join(packer.compress(b" " * MIB) for _ in range(size // MIB)) + packer.flush()


def memory(pid):
    """The largest resident memory the process ever had, in bytes."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))


async def test_a_bomb_of_200_mib_costs_no_memory(serve, providers):
    service = await serve()
    port, packed = int(service.url.rpartition(":")[2]), bomb(200 * MIB)
    assert len(packed) < 300_000
    await service.post(notification("Warm"))
    before = memory(service.pid)
    answers = await asyncio.gather(*(exchange(port, post(packed, JSON, b"Content-Encoding: gzip")) for _ in range(2)))
    assert all(is_an_error(answer, 413) for answer in answers)
    assert memory(service.pid) - before < 50 * MIB
    assert (await service.post(notification("After")))[0] == 202


async def test_bodies_are_bounded_together_too(face, monkeypatch):
    monkeypatch.setattr(ingress, "MOST_BYTES_AT_ONCE", MIB)
    one = await face(server={"listen": f"127.0.0.1:{free_port()}", "max_body": "256KiB"})
    uploads = [Connection(one.port) for _ in range(8)]
    for upload in uploads:
        await upload.__aenter__()
        await upload.send(post(b"x" * 200_000, JSON, b"Content-Length: 250000"))
    refused = [await upload.answer() for upload in uploads[-2:]]
    assert all(is_an_error(answer, 503) for answer in refused)
    assert refused[0].json["detail"] == "too many bytes are being taken in"
    for upload in uploads:
        await upload.__aexit__()
    await eventually(lambda: is_taken(one))


async def is_taken(face):
    return (await face.send(json.dumps(notification("A")).encode() + b" " * 200_000)).status == 202


# -- what it is


@pytest.mark.parametrize(
    "body",
    {
        "not gzip": b'{"status": "firing"}',
        "half of it": gzip.compress(json.dumps(notification("A")).encode())[:-60],
        "a wrong checksum": gzip.compress(json.dumps(notification("A")).encode())[:-8] + b"\0" * 8,
        "nothing": b"",
        "one byte": b"\x1f",
    }.items(),
    ids=lambda pair: pair[0],
)
async def test_a_body_that_is_not_what_its_encoding_says_is_a_400(guarded, body):
    answer = await guarded.send(body[1], b"Authorization: Bearer token-one", b"Content-Encoding: gzip")
    assert is_an_error(answer, 400)


@pytest.mark.parametrize("encoding", ["identity", "deflate", "gzip", "x-unknown"])
async def test_encodings(guarded, encoding):
    body = json.dumps(notification("A")).encode()
    packed = {"gzip": gzip.compress, "deflate": zlib.compress}.get(encoding, bytes)(body)
    answer = await guarded.send(packed, b"Authorization: Bearer token-one", b"Content-Encoding: " + encoding.encode())
    assert answer.status == 202


DEEP = {
    "65 objects": b'{"a":' * 65 + b"1" + b"}" * 65,
    "2,000 lists": b"[" * 2000 + b"]" * 2000,
    "100,000 lists": b"[" * 100_000 + b"]" * 100_000,
    "never closed": b"[" * 100_000,
    "within a label": json.dumps(notification("A")).replace('"warning"', "[" * 70 + "]" * 70).encode(),
}


@pytest.mark.parametrize("body", DEEP.values(), ids=DEEP)
async def test_what_is_nested_too_deeply_is_a_400(small, body):
    assert is_an_error(await small.send(body), 400)


BAD = {
    "nothing": b"",
    "null": b"null",
    "a list": b"[]",
    "a text": b'"alerts"',
    "no alerts": b'{"version":"4"}',
    "alerts that are none": b'{"version":"4","alerts":{}}',
    "an alert that is none": b'{"version":"4","alerts":[7]}',
    "cut off": json.dumps(notification("A")).encode()[:-5],
    "UTF-16": json.dumps(notification("A")).encode("utf-16"),
    "Latin-1": '{"version":"4","alerts":[],"receiver":"ü"}'.encode("latin-1"),
    "a form": b"alerts=1",
}


@pytest.mark.parametrize("body", BAD.values(), ids=BAD)
async def test_what_is_no_notification_is_a_400_and_kept(small, body):
    answer = await small.send(body)
    assert is_an_error(answer, 400)
    ((kept,), _) = await small.service.store.quarantined()
    assert (kept.body, kept.reason) == (body, answer.json["detail"])


async def test_a_body_for_an_unknown_channel_is_kept_too(small):
    assert is_an_error(await small.send(notification("A"), path=b"/webhook?channel=nobody"), 400)
    ((kept,), _) = await small.service.store.quarantined()
    assert b"summary of A" in kept.body


async def test_what_is_kept_of_a_bad_body_is_64_kib(small):
    await small.send(b"x" * 200_000)
    ((kept,), _) = await small.service.store.quarantined()
    assert len(kept.body) == 65536


def with_value(value):
    """A notification with a raw JSON value as one more label."""
    return json.dumps(notification("Odd")).replace('"warning"', '"warning", "odd": @').encode().replace(b"@", value)


ODD = {
    "a lone surrogate": with_value(rb'"a\ud800b"'),
    "a raw surrogate": with_value(b'"a\xed\xa0\x80b"'),
    "NUL": with_value(rb'"a\u0000b"'),
    "a raw NUL": with_value(b'"a\0b"'),
    "NaN": with_value(b"NaN"),
    "Infinity": with_value(b"-Infinity"),
    "1e400": with_value(b"1e400"),
    "4,000 digits": with_value(b"9" * 4000),
    "30 digits beside NaN": with_value(b'NaN, "more": ' + b"9" * 30),
    "a start of 390 digits": with_value(b'1, "startsAt": ' + b"9" * 390),
    "a BOM": b"\xef\xbb\xbf" + with_value(b'"x"'),
    "bidi and zero width": with_value('"\u202eevil\u2066\u200b\u200d"'.encode()),
    "a raw newline": with_value(b'"a\nb"'),
    "the same key twice": with_value(b'"a", "odd": "b"'),
    "an emoji and a noncharacter": with_value('"\U0001f525\uffff\U0010ffff"'.encode()),
}


@pytest.mark.parametrize("body", ODD.values(), ids=ODD)
async def test_odd_strings_and_numbers_are_taken_and_told(small, providers, body):
    answer = await small.send(body)
    assert answer.status == 202, answer.body
    for name in ("wecom", "dingtalk", "feishu", "itsm"):
        await eventually(lambda name=name: providers.told(name))
        assert "Odd" in providers.told(name)[0]
    record = answer.json["deliveries"][0]["id"]
    shown = await exchange(small.port, post(method=b"GET", path=f"/api/v1/records/{record}".encode()))
    assert shown.status == 200
    assert shown.json["alerts"][0]["labels"]["alertname"] == "Odd"


# -- HTTP itself


@pytest.mark.parametrize("path", [b"/webhook", b"/webhook/alertmanager", b"/webhook/grafana"])
@pytest.mark.parametrize("method", [b"POST", b"PUT"])
async def test_post_and_put_on_every_path(small, method, path):
    assert (await small.send(notification("A"), method=method, path=path)).status == 202


@pytest.mark.parametrize(
    "path", [b"/nowhere", b"/webhook/", b"/webhook/other", b"/api/v1/records/none", b"/%ff%fe", b"/a%00b"]
)
async def test_an_unknown_path_is_a_404(small, path):
    assert is_an_error(await exchange(small.port, post(method=b"GET", path=path)), 404)


@pytest.mark.parametrize(
    "path", [b"/webhook?channel=%ff%ed%a0%80", b"/webhook?channel=%00", b"/webhook?%ff=%fe&&&=", b"/webhook?channel="]
)
async def test_odd_queries_are_no_failure(small, path):
    answer = await small.send(notification("A"), path=path)
    assert answer.status in (202, 400), answer.body


@pytest.mark.parametrize(
    "query",
    [b"q=%ff%00%27", b"cursor=%ff", b"since=x", b"limit=%c2%b2", b"limit=0", b"channel=%ed%a0%80", b"state=%00"],
)
async def test_odd_searches_are_no_failure(small, query):
    answer = await exchange(small.port, post(method=b"GET", path=b"/api/v1/records?" + query))
    assert answer.status in (200, 400), answer.body


async def test_a_wrong_method_is_a_405_that_says_which_are_right(small):
    answer = await exchange(small.port, post(method=b"GET"))
    assert is_an_error(answer, 405)
    assert set(answer.headers["allow"].split(",")) == {"POST", "PUT"}
    assert is_an_error(await exchange(small.port, post(method=b"DELETE", path=b"/-/healthy")), 405)


MALFORMED = {
    "two lengths in one": post(chunked(b"{}"), b"Content-Length: 2", b"Transfer-Encoding: chunked"),
    "5,000 headers": post(b"{}", *(b"X-%d: y" % number for number in range(5000))),
    "one long header": post(b"{}", b"X-Long: " + b"y" * 100_000),
    "a long path": post(b"{}", path=b"/" + b"y" * 100_000),
    "a negative length": post(b"{}", b"Content-Length: -1"),
    "a length that is none": post(b"{}", b"Content-Length: two"),
    "a bad chunk": post(b"zz\r\n{}\r\n0\r\n\r\n", b"Transfer-Encoding: chunked"),
    "no HTTP": b"EHLO receiver\r\n\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
    "a header without a colon": post(b"{}", b"Authorization Bearer token-one"),
}


@pytest.mark.parametrize("data", MALFORMED.values(), ids=MALFORMED)
async def test_what_is_not_http_is_a_400(small, data):
    assert is_an_error(await exchange(small.port, data), 400)


async def test_what_is_malformed_is_not_sent_back(small):
    answer = await exchange(small.port, post(b"{}", b"Authorization Bearer token-one"))
    assert b"token-one" not in answer.body


async def test_a_body_of_200_000_chunks_blocks_nobody(serve, providers):
    service = await serve()
    port, session = int(service.url.rpartition(":")[2]), aiohttp.ClientSession()

    async def ping():
        begun = time.perf_counter()
        async with session.get(f"{service.url}/-/healthy") as response:
            assert response.status == 200
        return time.perf_counter() - begun

    async with session:
        idle = max([await ping() for _ in range(50)])
        data = post(chunked(*[b" "] * 200_000, b"{}"), JSON, b"Transfer-Encoding: chunked")
        sending = asyncio.create_task(exchange(port, data))
        waits = []
        while not sending.done():
            waits.append(await ping())
            await asyncio.sleep(0.002)
    assert is_an_error(await sending, 400)
    assert max(waits) < 0.1 + 10 * idle


async def test_expect_100_continue_is_answered(small):
    body = json.dumps(notification("A")).encode()
    async with Connection(small.port) as connection:
        await connection.send(post(b"", JSON, b"Expect: 100-continue", b"Content-Length: %d" % len(body)))
        assert (await connection.answer()).status == 100
        await connection.send(body)
        assert (await connection.answer()).status == 202


async def test_an_offer_of_http_2_is_declined_and_the_body_taken(small):
    offer = (b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c", b"HTTP2-Settings: AAEAAEAAAAIAAAAB")
    assert (await small.send(notification("A"), *offer)).status == 202


async def test_the_figures_are_told_while_the_store_is_away(small):
    await small.service.store.close()
    assert is_an_error(await small.send(notification("A")), 503)
    answer = await exchange(small.port, post(method=b"GET", path=b"/metrics"))
    assert answer.status == 200
    assert b'alertreceiver_events_rejected_total{reason="unavailable",source="unknown"} 1.0' in answer.body


async def test_while_it_drains_a_sender_is_asked_to_come_back(small):
    small.service.ingress.draining = small.service.ops.draining = True
    answer = await small.send(notification("A"))
    assert is_an_error(answer, 503)
    assert int(answer.headers["retry-after"]) > 0
    assert is_an_error(await exchange(small.port, post(method=b"GET", path=b"/-/ready")), 503)
    assert (await exchange(small.port, post(method=b"GET", path=b"/-/healthy"))).status == 200


async def test_every_answer_has_the_security_headers(small):
    for path in (b"/-/healthy", b"/metrics", b"/api/v1/records", b"/nowhere"):
        answer = await exchange(small.port, post(method=b"GET", path=path))
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "no-store"
        assert "server" not in answer.headers


async def test_several_requests_at_once_on_one_connection_are_answered_in_order(small):
    async with Connection(small.port) as connection:
        await connection.send(
            b"".join(post(json.dumps(notification(f"A{n}", group=str(n))).encode()) for n in range(5))
        )
        answers = [await connection.answer() for _ in range(5)]
    assert [answer.status for answer in answers] == [202] * 5
    assert len({answer.json["id"] for answer in answers}) == 5
