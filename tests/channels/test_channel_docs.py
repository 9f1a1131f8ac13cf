"""docs/channels.md and its Chinese twin: every kind, setting and code is told of, and what they show works."""

import json
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType

import pytest
from channel_examples import make, message
from rendering_samples import NOW, batch, channel, template

from receiver.channels.answers import Row
from receiver.channels.base import ChannelSettings
from receiver.channels.registry import CHANNELS
from receiver.config import load
from receiver.config.outline import sections
from receiver.delivery.rendering.samples import alert
from receiver.errors import Misconfigured, Rejected, Throttled, Unavailable, Unchangeable, Unreachable

DOCS = Path(__file__).parents[2] / "docs"
BOOKS = {"en": DOCS / "channels.md", "zh": DOCS / "channels.zh-CN.md"}
TEXTS = {language: book.read_text(encoding="utf-8") for language, book in BOOKS.items()}
ELSEWHERE = {"feishu_app": {"10003": {"stop", "停用"}}}
"""Codes that stand in no table, and what is done: this one means something else where a token is asked for."""
HEAD = {"en": "| code |", "zh": "| 错误码 |"}
WORDS = {
    "en": {
        Unavailable: "retry",
        Throttled: "wait {:g} s",
        Rejected: "plain text",
        Misconfigured: "stop",
        Unreachable: "skip",
        Unchangeable: "post anew",
        "TokenRefused": "new token",
    },
    "zh": {
        Unavailable: "重试",
        Throttled: "等 {:g} 秒",
        Rejected: "转纯文本",
        Misconfigured: "停用",
        Unreachable: "跳过",
        Unchangeable: "另发",
        "TokenRefused": "换 token",
    },
}
STUBS = {"webhook-signing": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "ding-secret": "SEC0123456789abcdef"}


def chapters(text):
    """What is told of each kind, by the kind in the heading."""
    parts = re.split(r"(?m)^## `(\w+)`.*$", text)
    return {kind: re.split(r"(?m)^## ", body)[0] for kind, body in zip(parts[1::2], parts[2::2], strict=True)}


def blocks(text, language):
    """The code blocks in `language`."""
    return re.findall(rf"(?ms)^```{language}\n(.*?)^```$", text)


def told(chapter, language):
    """The rows of the tables of codes: by code what we do. A row may tell of several codes."""
    found = {}
    for table in re.findall(r"(?m)(?:^\|.*\n)+", chapter):
        if table.startswith(HEAD[language]):
            for line in table.splitlines()[2:]:
                first, _, done, *_ = (cell.strip() for cell in line.strip("|").split("|"))
                found |= dict.fromkeys((code.strip(" `") for code in first.split(",")), done)
    return found


def rooms(module, seen):
    """`module` and those of receiver.channels that it uses, in which tables of codes may stand."""
    if module.__name__.startswith("receiver.channels.") and module.__name__ not in seen:
        seen[module.__name__] = module
        for value in vars(module).values():
            name = value.__name__ if isinstance(value, ModuleType) else getattr(value, "__module__", None)
            if isinstance(name, str) and name in sys.modules:
                rooms(sys.modules[name], seen)
    return seen.values()


def known(kind, words):
    """What may be done by code: what the rows of the kind's tables mean, or that the token is fetched anew."""
    found, renewed = {code: set(done) for code, done in ELSEWHERE.get(kind, {}).items()}, {}
    for room in rooms(sys.modules[CHANNELS[kind].__module__], {}):
        for name, table in vars(room).items():
            if isinstance(table, Mapping) and table and all(isinstance(row, Row) for row in table.values()):
                for code, row in table.items():
                    found.setdefault(code, set()).add(words[row.error].format(row.wait))
            if name in ("AUTH", "TOKEN_CODES"):
                renewed |= dict.fromkeys(table, (words["TokenRefused"],))
    return {**found, **renewed}


def own_keys(kind):
    """The keys that only this kind has, those of its sections too."""
    every = {key for section in sections(CHANNELS[kind].Settings) for key in section.model_fields}
    return every - {key for section in sections(ChannelSettings) for key in section.model_fields}


both = pytest.mark.parametrize("language", BOOKS)
each = pytest.mark.parametrize("kind", CHANNELS)


@both
def test_every_kind_has_a_chapter_and_nothing_else_has(language):
    assert sorted(chapters(TEXTS[language])) == sorted(CHANNELS)


@both
def test_every_link_leads_somewhere(language):
    text = TEXTS[language]
    headings = re.findall(r"(?m)^#+ (.*)$", text)
    anchors = {"#" + re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
    links = [link for link in re.findall(r"\]\(([^)]+)\)", text) if not link.startswith("http")]
    assert [link for link in links if link not in anchors and not (DOCS / link.partition("#")[0]).is_file()] == []


@both
@each
def test_every_code_is_told_with_what_we_do(kind, language):
    right = known(kind, WORDS[language])
    said = {code: re.split("[,，]", done)[0] for code, done in told(chapters(TEXTS[language])[kind], language).items()}
    assert sorted(said) == sorted(right)
    assert {code: done for code, done in said.items() if done not in right[code]} == {}


@both
@each
def test_every_key_is_told(kind, language):
    chapter = chapters(TEXTS[language])[kind]
    assert [key for key in sorted(own_keys(kind)) if f"`{key}`" not in chapter] == []


@pytest.fixture(scope="module")
def secrets(tmp_path_factory):
    """A folder in the place of /run/secrets: a file for each name, real certificates for *.pem and *.key."""
    folder = tmp_path_factory.mktemp("secrets")
    for name in re.findall(r"/run/secrets/([\w.-]+)", "".join(TEXTS.values())):
        (folder / name).write_text(STUBS.get(name, f"{name}-0123456789abcdef"), encoding="utf-8")
    if shutil.which("openssl"):
        make = "openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=x -keyout client.key -out client.pem"
        subprocess.run(make.split(), cwd=folder, check=True, capture_output=True)
        shutil.copy(folder / "client.pem", folder / "ca.pem")
    return folder


EXAMPLES = [
    pytest.param(block, id=f"{language}-{number}")
    for language, text in TEXTS.items()
    for number, block in enumerate(blocks(text, "yaml"), 1)
]


@pytest.mark.parametrize("block", EXAMPLES)
def test_every_example_loads(block, secrets, tmp_path):
    if ".pem" in block and not (secrets / "client.key").exists():
        pytest.skip("needs openssl")
    text = block.replace("/run/secrets", str(secrets))
    names = re.findall(r"name: ([\w-]+), kind|- name: ([\w-]+)\n +kind", block)
    route = "" if "\nroute:" in block else f"\nroute: {{channels: [{', '.join(a or b for a, b in names)}]}}\n"
    (tmp_path / "config.yaml").write_text(text + route, encoding="utf-8")
    assert len(load(tmp_path / "config.yaml", {}).channels) == len(names) > 0


@both
def test_the_check_of_signatures_works(language):
    (snippet,) = blocks(chapters(TEXTS[language])["webhook"], "python")
    exec(snippet, room := {})  # noqa: S102 - our own document
    secret, body = STUBS["webhook-signing"], b'{"a": 1}'
    for now, right in ((time.time(), True), (time.time() - 400, False)):
        request = make("webhook", signing_secret=secret).build(message(body), now)
        assert room["is_genuine"](secret, request.headers, request.body) is right
        assert not room["is_genuine"](secret, request.headers, b"{}")


@both
def test_the_template_makes_json(language, tmp_path):
    (text,) = blocks(chapters(TEXTS[language])["webhook"], "jinja")
    facts = batch(*(alert(labels={"alertname": name, "severity": "critical"}) for name in ('Disk "full"', "Load")))
    made = template(tmp_path, text, "pager/webhook.j2").render(channel("webhook", template="pager"), facts, NOW)
    assert made.failed == ""
    assert [each["name"] for each in json.loads(made.texts[0].body)["alerts"]] == ['Disk "full"', "Load"]
