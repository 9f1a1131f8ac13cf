"""The bubbles of every kind in a real Chromium, as docs/images shows them (ALERT_RECEIVER_SCREENSHOTS=1 takes them)."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from stage import eventually

CHROMIUM = Path("/usr/bin/chromium")
ARGS = ["--no-sandbox", "--headless", "--disable-gpu", "--disable-background-networking", "--force-color-profile=srgb"]
IMAGES = Path(__file__).parents[2] / "docs" / "images"
KINDS = ("wecom_robot", "wecom_app", "dingtalk_robot", "dingtalk_app", "feishu_bot", "feishu_app", "webhook")
GRAFANA = "https://grafana.example.com"

playwright = pytest.importorskip("playwright.async_api", reason="playwright is not installed")
pytestmark = pytest.mark.skipif(not CHROMIUM.exists(), reason=f"{CHROMIUM} is not installed")


def ago(**parts):
    return (datetime.now(UTC) - timedelta(**parts)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def alert(instance, status="firing", severity="critical", summary=""):
    return {
        "status": status,
        "labels": {
            "alertname": "DiskFull",
            "severity": severity,
            "team": "db",
            "cluster": "hz-1",
            "instance": instance,
        },
        "annotations": {
            "summary": summary or f"{instance.partition(':')[0]} 磁盘空间不足：/data 仅剩 3%",
            "description": "按当前写入速度，约 20 分钟后写满。",
            "runbook_url": "https://wiki.example.com/runbooks/disk-full",
        },
        "startsAt": ago(minutes=27),
        "endsAt": ago(minutes=4) if status == "resolved" else "0001-01-01T00:00:00Z",
        "generatorURL": "http://prometheus.example.com/graph?g0.expr=disk_free_ratio+%3C+0.05&g0.tab=1",
    }


def group(*alerts):
    return {
        "version": "4",
        "receiver": "people",
        "status": "firing",
        "groupKey": '{}:{alertname="DiskFull"}',
        "groupLabels": {"alertname": "DiskFull"},
        "commonLabels": {"alertname": "DiskFull", "team": "db", "cluster": "hz-1"},
        "commonAnnotations": {},
        "externalURL": "http://alertmanager.example.com",
        "alerts": list(alerts),
    }


@pytest.fixture
async def bubbles(serve, providers):
    """The sandbox's page once every kind has told one alert and then a group of three."""
    contacts = [
        {"name": "张三", "wecom": "zhangsan", "feishu": "ou_84aad35d084aa403a838cf73ee18467", "dingtalk": "m4220"}
    ]
    channels = [*providers.channels(mentions=["张三"]), *providers.apps(mentions=["张三"])]
    channels[1]["format"] = "action_card"
    channels[4]["format"] = "template_card"
    service = await serve(channels=channels, contacts=contacts)
    await service.post(group(alert("db-01:9100")))
    await eventually(lambda: {one.kind for one in providers.sandbox.messages} == set(KINDS))
    others = alert("db-02:9100", severity="warning"), alert("db-03:9100", "resolved", severity="warning")
    await service.post(group(alert("db-01:9100"), *others) | {"groupKey": "another"})
    await eventually(lambda: [one.kind for one in providers.sandbox.messages].count("feishu_app") == 2)
    async with playwright.async_playwright() as driver:
        browser = await driver.chromium.launch(executable_path=str(CHROMIUM), args=ARGS)
        page = await browser.new_page(locale="zh-CN", viewport={"width": 940, "height": 2600}, device_scale_factor=1.5)
        await page.goto(f"{providers.url}/sandbox/")
        yield page
        await browser.close()


async def test_every_kind_shows_its_bubbles(bubbles, tmp_path):
    folder = IMAGES if os.environ.get("ALERT_RECEIVER_SCREENSHOTS") else tmp_path
    for kind in KINDS:
        await bubbles.click(f"nav .{kind}")
        shown = bubbles.locator(f".message.{kind}")
        assert "磁盘空间不足" in await shown.first.inner_text()
        assert "db-03" in await shown.last.inner_text()
        rest = "1" if kind == "webhook" else "1, -1"  # JSON is long
        await shown.evaluate_all(f"all => all.slice({rest}).forEach(one => one.remove())")
        top, end = await shown.first.bounding_box(), await shown.last.bounding_box()
        clip = {
            "x": top["x"] - 16,
            "y": top["y"] - 16,
            "width": 800,
            "height": end["y"] + end["height"] - top["y"] + 32,
        }
        await bubbles.screenshot(path=folder / f"{kind}.png", full_page=True, clip=clip, animations="disabled")
        assert (IMAGES / f"{kind}.png").is_file()
