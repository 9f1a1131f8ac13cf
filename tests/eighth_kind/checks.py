"""Parley's own: the text, and what its codes mean."""

import orjson
import pytest
from channel_examples import answer, make, text

from receiver.errors import Misconfigured, Throttled


def test_the_title_stands_in_bold():
    said = orjson.loads(make("parley").compose(text("Disk *full*", "db1"), "1"))
    assert said == {"text": "**Disk \\*full\\***\n\ndb1"}


@pytest.mark.parametrize(("code", "error"), [(404, Misconfigured), (429, Throttled)])
def test_its_codes(code, error):
    with pytest.raises(error):
        make("parley").check(answer(orjson.dumps({"code": code, "msg": "no"})))
