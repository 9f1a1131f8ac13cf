"""Bodies and contents as they are kept: packed where that is worth it, which saves most of what a commit writes."""

from __future__ import annotations

import threading

import zstandard

_WORTH_IT = 512
_RAW, _PACKED = b"\x00", b"\x01"
_LEVEL = -1
"""The quickest way to an eighth: alerts repeat themselves."""

_own = threading.local()


def pack(content: bytes) -> bytes:
    """`content` as it is kept: a byte that says how, then the bytes as they are or as a Zstandard frame (RFC 8878)."""
    if len(content) < _WORTH_IT:
        return _RAW + content
    return _PACKED + _compressor().compress(content)


def unpack(kept: bytes) -> bytes:
    """What was packed."""
    return _decompressor().decompress(memoryview(kept)[1:]) if kept[:1] == _PACKED else kept[1:]


def text(kept: bytes) -> str:
    """What was packed, for a search: in lower case as far as ASCII goes, as what is sought is spelt."""
    return unpack(kept).lower().decode("utf-8", "replace")


def _compressor() -> zstandard.ZstdCompressor:
    """This thread's own: they are costly to make and must not be shared."""
    try:
        made: zstandard.ZstdCompressor = _own.compressor
    except AttributeError:
        made = _own.compressor = zstandard.ZstdCompressor(level=_LEVEL)
    return made


def _decompressor() -> zstandard.ZstdDecompressor:
    try:
        made: zstandard.ZstdDecompressor = _own.decompressor
    except AttributeError:
        made = _own.decompressor = zstandard.ZstdDecompressor()
    return made
