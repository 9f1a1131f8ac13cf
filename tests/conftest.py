from __future__ import annotations

import pytest
import stage


@pytest.fixture
async def providers():
    """The sandbox with one robot of each kind; whatever a test does, it leaves no violation behind."""
    providers = stage.Providers()
    await providers.start()
    yield providers
    await providers.stop()
    assert providers.sandbox.violations == []


@pytest.fixture
async def serve(tmp_path, providers):
    """Starts the service with a configuration towards the sandbox; ended with the test."""
    started = []

    async def start(*flags, folder=tmp_path, **sections):
        service = stage.Service(folder, stage.settings(folder, providers, **sections), *flags)
        started.append(service)
        await service.start()
        return service

    yield start
    for service in started:
        await service.stop()


@pytest.fixture
async def app_client(tmp_path, providers):
    """The service within this process, for what needs no process of its own."""
    client = stage.Client(stage.settings(tmp_path, providers))
    await client.start()
    yield client
    await client.stop()
