"""docs/templates.md tells of every form, block, look, preset and key there is, and what it shows works."""

from __future__ import annotations

import re
from pathlib import Path

import jinja2
import orjson
import pytest
from channel_forms import FORMATS
from jinja2 import nodes
from rendering_samples import NOW, batch, channel, renderer, template

from receiver.delivery.rendering import facts
from receiver.delivery.rendering.library import folders
from receiver.delivery.rendering.samples import alert

ROOT = Path(__file__).parents[2]
SHIPPED = ROOT / "templates"
TEXT = (ROOT / "docs" / "templates.md").read_text("utf-8")
CHAPTERS = dict(re.findall(r"^## ([^\n]+)\n(.*?)(?=^## |\Z)", TEXT, re.MULTILINE | re.DOTALL))
MESSAGES = ("default/message.zh.j2", "default/message.en.j2")
DIGESTS = ("default/digest.zh.j2", "default/digest.en.j2")
BLOCKS = {MESSAGES: {"head", "one", "alert", "foot"}, DIGESTS: {"head", "row", "count", "foot"}}
OF_MESSAGES = {"line", "room", "near", "embed"}
"""What a look need not set for a digest, where each alert has one line and no links."""
LOOKS = sorted(path for path in SHIPPED.glob("default/*_*.j2") if not path.name.startswith("digest"))
each_pair = pytest.mark.parametrize("pair", BLOCKS, ids=["message", "digest"])
each_language = pytest.mark.parametrize("language", [0, 1], ids=["zh", "en"])


def rows(chapter):
    """The names in the first column of its tables."""
    return {name for row in re.findall(r"^\| (`[^|]*)\|", CHAPTERS[chapter], re.MULTILINE) for name in words(row)}


def words(text):
    return set(re.findall(r"`([\w.]+)`", text))


def tree(name):
    return jinja2.Environment().parse((SHIPPED / name).read_text("utf-8"))  # noqa: S701 - only parsed


def names(template_name, context):
    """The variables that a template loads or stores."""
    return {node.name for node in tree(template_name).find_all(nodes.Name) if node.ctx == context}


@each_language
@each_pair
def test_every_block(pair, language):
    blocks = {block.name for block in tree(pair[language]).find_all(nodes.Block)}
    assert blocks == BLOCKS[pair]
    assert blocks <= rows("Building upon them")


@each_language
@each_pair
def test_every_variable_of_a_look(pair, language):
    documented = rows("Building upon them") - set.union(*BLOCKS.values())
    documented -= OF_MESSAGES if pair is DIGESTS else set()
    defaults = documented - {"end", "faint", "unfaint", "embed"}
    asked = names(pair[language], "load") - names(pair[language], "store") - facts.KEYS - {"cut", "loop"}
    assert defaults <= names(pair[language], "store")
    assert asked | defaults == documented


@pytest.mark.parametrize("path", LOOKS, ids=lambda path: path.stem)
def test_a_look_sets_nothing_that_is_not_told(path):
    assert names(f"default/{path.name}", "store") <= rows("Building upon them")


@each_pair
def test_both_languages_have_the_same_blocks_and_say_the_same_facts(pair):
    said = [{node.attr for node in tree(name).find_all(nodes.Getattr)} for name in pair]
    assert said[0] == said[1]


def test_every_form_and_every_file():
    intro = TEXT[: TEXT.index("\n## ")]
    stems = {channel(form.kind, **form.changes).body_template for form in FORMATS}
    assert stems <= words(intro) | {"plain"}
    files = {path.name.split(".")[0] for path in SHIPPED.glob("default/*.j2")}
    assert files == stems | {"title", "plain", "message", "digest", "digest_title"}


def test_every_preset():
    assert folders(None) == sorted(rows("Custom webhooks") & {*folders(None)})
    assert {path.parent.name for path in SHIPPED.glob("*/webhook.j2")} == {*folders(None)}


def test_every_key_of_the_flat_document():
    there = channel("webhook", template="generic")
    (text,) = renderer().render(there, batch(alert()), NOW).texts
    body = orjson.loads(text.body)
    known = words(CHAPTERS["Custom webhooks"])
    assert {*body, *body["alerts"][0]} <= known


def test_the_example_works(tmp_path):
    (example,) = re.findall(r"```jinja\n(.*?)```", TEXT, re.DOTALL)
    own = template(tmp_path, example, "mine/wecom_robot.j2")
    there = channel(template="mine")
    assert own.check([there]) == []
    (text,) = own.render(there, batch(alert()), NOW).texts
    assert text.body.endswith("值班手册：[oncall](https://wiki.example/oncall)")
