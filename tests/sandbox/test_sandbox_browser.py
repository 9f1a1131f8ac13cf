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
