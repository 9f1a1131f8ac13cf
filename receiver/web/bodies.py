"""The body of a request that people or their programs make, read whole: bounded in bytes and in time."""

from __future__ import annotations

import asyncio
import zlib

from aiohttp import web
from aiohttp.http_exceptions import ContentEncodingError

SECONDS = 8.0
"""How long a body may take to arrive."""


async def whole(request: web.Request) -> bytes:
    """The decoded body, at most the `client_max_size` of the application.

    Raises what is answered otherwise: 413 when it is longer, 408 when it does not arrive in time, 400 when it is not
    what its headers say.
    """
    try:
        async with asyncio.timeout(SECONDS):
            return await request.read()
    except TimeoutError:
        raise web.HTTPRequestTimeout(reason=f"the body did not arrive within {SECONDS:g} s") from None
    except (web.RequestPayloadError, ContentEncodingError, zlib.error):
        raise web.HTTPBadRequest(reason="the body is not what its headers say (encoding or length)") from None
