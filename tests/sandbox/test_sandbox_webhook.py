"""A custom webhook's receiver: signatures of Standard Webhooks, repeats, plain refusals."""

import json

import pytest

from receiver.sandbox.webhook import sign

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
BODY = b'{"title": "disk", "value": 7}'


def headers(body=BODY, stamp="1700000000", webhook_id="msg_1", secret=SECRET):
    return {
        "webhook-id": webhook_id,
        "webhook-timestamp": stamp,
        "webhook-signature": "v1,bm90IHRoaXM= " + sign(secret, webhook_id, stamp, body),
    }


@pytest.fixture
def hook(box):
    return box.register("webhook", "in", name="cmdb", secret=SECRET)


def test_signature_vector():
    signature = sign(SECRET, "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", b'{"test": 2432232314}')
    assert signature == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


async def test_accepts_signed(box, hook, wire):
    assert (await wire.post("/hooks/in", data=BODY, headers=headers())).status == 200
    shown = box.messages[0]
    assert (shown.kind, shown.name, shown.title, shown.plain) == ("webhook", "cmdb", "disk", BODY.decode())
    assert box.violations == []


async def test_put_and_any_body_without_secret(box, wire):
    box.register("webhook", "in")
    assert (await wire.put("/hooks/in", data=b"\xff not json")).status == 200
    assert box.messages[0].msgtype == "raw"


@pytest.mark.parametrize(
    "given",
    [
        {},
        headers(body=b"{}"),
        headers(secret="whsec_AAAA"),
        headers(stamp="1699999699"),
        headers(stamp="1700000301"),
        headers(stamp="1700000000") | {"webhook-timestamp": "1700000001"},
        headers() | {"webhook-id": "msg_2"},
        headers(stamp="x"),
    ],
    ids=["missing", "body", "secret", "old", "ahead", "timestamp", "id", "no number"],
)
async def test_refuses_wrong_signatures(box, hook, wire, given):
    assert (await wire.post("/hooks/in", data=BODY, headers=given)).status == 401
    assert not box.messages


async def test_unknown_path_and_method(hook, wire):
    assert (await wire.post("/hooks/nobody")).status == 404
    assert (await wire.get("/hooks/in")).status == 405


async def test_a_repeat_is_not_shown_twice(box, hook, wire):
    for _ in range(2):
        assert (await wire.post("/hooks/in", data=BODY, headers=headers())).status == 200
    assert len(box.messages) == 1
    other = json.dumps({"other": 1}).encode()
    await wire.post("/hooks/in", data=other, headers=headers(other))
    assert box.violations == ["cmdb: webhook-id used again for another body, which is not delivered"]
