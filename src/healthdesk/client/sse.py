"""Server-sent events, parsed as they arrive."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ServerEvent:
    """One event of the stream: `id` is the last id seen, which resumes the stream after it."""

    id: str
    event: str
    data: str


class EventParser:
    """Turns chunks of an event stream into events, wherever the chunks are cut.

    Lines end in LF, CR LF or CR. Comments (`: keep-alive`) and events without data are dropped; an id
    stays in force until the next one, and an id with a NUL is ignored.
    """

    def __init__(self, last_event_id: str = "") -> None:
        self.last_event_id = last_event_id
        self._rest = b""
        self._skip_lf = False
        self._event = ""
        self._data: list[str] = []

    def feed(self, chunk: bytes) -> list[ServerEvent]:
        """Take the next bytes and return the events they complete."""
        if self._skip_lf and chunk:
            chunk = chunk.removeprefix(b"\n")
            self._skip_lf = False
        buffer = self._rest + chunk
        self._skip_lf = buffer.endswith(b"\r")
        lines = buffer.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
        self._rest = lines.pop()
        done = []
        for line in lines:
            event = self._line(line.decode("utf-8", "replace"))
            if event is not None:
                done.append(event)
        return done

    def _line(self, line: str) -> ServerEvent | None:
        if not line:
            return self._dispatch()
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "data":
            self._data.append(value)
        elif name == "event":
            self._event = value
        elif name == "id" and "\0" not in value:
            self.last_event_id = value
        return None

    def _dispatch(self) -> ServerEvent | None:
        event, data = self._event, self._data
        self._event, self._data = "", []
        if not data:
            return None
        return ServerEvent(id=self.last_event_id, event=event or "message", data="\n".join(data))
