"""Reads an answer's body: capped as it came and capped as it inflates, so that no answer fills the memory."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from typing import Protocol

import aiohttp

# What is read beyond the cap to keep the connection alive; a longer answer costs its connection instead.
DRAIN_BYTES = 262_144


class Inflater:
    """Undoes gzip and deflate, never holding more than `limit` bytes of the result."""

    def __init__(self, encoding: str, limit: int) -> None:
        self._gzip = "gzip" in encoding.lower()
        self._limit = limit
        self._inflate: zlib._Decompress | None = None
        self.cut = False
        self.broken = False

    def feed(self, chunk: bytes, kept: int) -> bytes:
        """Return what `chunk` inflates to, at most what the limit leaves beside the `kept` bytes."""
        out = b""
        while chunk and not (self.cut or self.broken):
            if self._inflate is None:
                self._inflate = zlib.decompressobj(self._window(chunk))
            try:
                # One byte more than fits tells a body of exactly the limit from a longer one.
                out += self._inflate.decompress(chunk, self._limit - kept - len(out) + 1)
            except zlib.error:
                self.broken = True
                break
            if kept + len(out) > self._limit:
                self.cut = True
                break
            chunk = b""
            if self._inflate.eof:
                # gzip allows several members one after another; anything else after the end is padding.
                tail = self._inflate.unused_data
                chunk = tail if self._gzip and tail.startswith(b"\x1f\x8b") else b""
                self._inflate = None if chunk else self._inflate
        return out[: self._limit - kept]

    @property
    def complete(self) -> bool:
        """Whether the compressed stream came to its end."""
        return self._inflate is None or self._inflate.eof

    def _window(self, chunk: bytes) -> int:
        if self._gzip:
            return 16 + zlib.MAX_WBITS
        # `deflate` is zlib by the standard and raw deflate by many servers; the first byte tells which.
        return zlib.MAX_WBITS if chunk[0] & 0x0F == 8 else -zlib.MAX_WBITS


class Response(Protocol):
    """An answer whose body is still to be read."""

    @property
    def headers(self) -> Mapping[str, str]:
        """The headers, their names in any case."""
        ...

    @property
    def content(self) -> aiohttp.StreamReader:
        """The body as it came."""
        ...


class Body:
    """The kept part of a body, in place while it is read, so that what came survives a broken connection."""

    __slots__ = ("_parts", "broken", "cut", "inflated", "size")

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self.size = 0
        self.cut = False
        self.inflated = False
        self.broken = False

    @property
    def kept(self) -> bytes:
        """What was kept so far."""
        return self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)

    async def read(self, response: Response, limit: int) -> None:
        """Read the body of `response`, keeping up to `limit` inflated bytes; the rest is drained or given up."""
        content = response.content
        if content.at_eof():
            return
        encoding = response.headers.get("Content-Encoding", "")
        inflater = Inflater(encoding, limit) if encoding and encoding.strip().lower() in _ENCODINGS else None
        self.inflated = inflater is not None
        raw = 0
        while not content.at_eof():
            chunk = await content.readany()
            raw += len(chunk)
            if inflater is not None:
                self._keep(inflater.feed(chunk, self.size))
                self.cut = inflater.cut
                self.broken = inflater.broken
            elif not self.cut:
                room = limit - self.size
                self.cut = len(chunk) > room
                self._keep(chunk[:room] if self.cut else chunk)
            if (self.cut or self.broken) and raw > limit + DRAIN_BYTES:
                return
        if inflater is not None and not self.cut and not inflater.complete:
            self.broken = True

    def _keep(self, part: bytes) -> None:
        if part:
            self._parts.append(part)
            self.size += len(part)


_ENCODINGS = frozenset({"gzip", "x-gzip", "deflate"})
