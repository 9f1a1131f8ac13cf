from __future__ import annotations

import pytest
from wecom_office import Office

from receiver.sandbox import provider_app


@pytest.fixture
async def office(aiohttp_server, unused_tcp_port):
    """A sandbox with one WeCom app, and channels that post as it; whatever a test does, it leaves no violation."""
    office = Office(unused_tcp_port)
    await aiohttp_server(provider_app(office.sandbox), port=unused_tcp_port, access_log=None)
    yield office
    await office.http.close()
    assert office.sandbox.violations == []
