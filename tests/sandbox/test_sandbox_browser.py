"""The page in a real Chromium: messages arrive live, hostile ones stay text, nothing breaks the CSP."""

import json
from pathlib import Path

import pytest

CHROMIUM = Path("/usr/bin/chromium")
ARGS = ["--no-sandbox", "--headless", "--disable-gpu", "--disable-background-networking"]
ARGS += ["--disable-component-update", "--disable-sync"]
HOSTILE = "<img src=x onerror=alert(1)> [x](javascript:alert(2)) **<script>alert(3)</script>**"

playwright = pytest.importorskip("playwright.async_api", reason="playwright is not installed")
pytestmark = pytest.mark.skipif(not CHROMIUM.exists(), reason=f"{CHROMIUM} is not installed")


@pytest.fixture
async def page(wire):
    async with playwright.async_playwright() as driver:
        browser = await driver.chromium.launch(executable_path=str(CHROMIUM), args=ARGS)
        page = await browser.new_page(locale="en-US")
        page.complaints = []
        page.on("console", lambda message: page.complaints.append(message.text))
        page.on("pageerror", lambda error: page.complaints.append(str(error)))
        page.on("dialog", lambda dialog: page.complaints.append(dialog.message))
        await page.goto(str(wire.make_url("/sandbox/")))
        yield page
        await browser.close()


async def test_messages_arrive_live_and_harmless(box, post, page):
    box.register("wecom_robot", "k1", name="infra<b>")
    box.register("webhook", "in", name="cmdb")
    assert "No messages yet" in await page.inner_text("#empty")
    await post("/cgi-bin/webhook/send?key=k1", {"msgtype": "markdown", "markdown": {"content": f"# disk\n{HOSTILE}"}})
    await post("/hooks/in", json.dumps({"title": HOSTILE}).encode())
    await page.wait_for_selector(".message >> nth=1")
    assert await page.inner_text(".wecom_robot .body h1") == "disk"
    assert "<img src=x onerror=alert(1)>" in await page.inner_text(".wecom_robot .body")
    assert await page.inner_text(".wecom_robot .body strong") == "<script>alert(3)</script>"
    assert await page.locator(".message img, .message script, .message a").count() == 0
    await page.click("nav .wecom_robot")
    assert await page.locator(".message:visible").count() == 1
    assert await page.inner_text("#shown") == "infra<b>"
    await page.click("#clear")
    await page.wait_for_selector("#empty:visible")
    assert not box.messages
    assert page.complaints == []


def card(text, colour):
    header = {"title": {"tag": "plain_text", "content": text}, "template": colour}
    body = {"elements": [{"tag": "markdown", "content": text}]}
    return json.dumps({"schema": "2.0", "config": {"update_multi": True}, "header": header, "body": body})


async def test_a_card_is_replaced_in_place(box, wire, post, page):
    app = box.register("feishu_app", "cli_1", name="oncall")
    token = {"Authorization": f"Bearer {app.give('t-1', box.clock() + 7200).value}"}
    path = "/open-apis/im/v1/messages"
    body = {"receive_id": "oc_1", "msg_type": "interactive", "content": card("disk full", "red")}
    message_id = (await post(f"{path}?receive_id_type=chat_id", body, **token))[1]["data"]["message_id"]
    await page.wait_for_selector(".feishu_app .c-red")
    await wire.patch(f"{path}/{message_id}", json={"content": card(f"resolved {HOSTILE}", "green")}, headers=token)
    await page.wait_for_selector(".feishu_app .c-green")
    assert await page.locator(".message").count() == 1
    assert "updated, 1×" in await page.inner_text(".message header")
    assert await page.inner_text(".message .to") == "to oc_1"
    assert await page.locator(".message img, .message script, .message a").count() == 0
    assert page.complaints == []
