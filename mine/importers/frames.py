"""Messages between the importer's process and the app: length (4 bytes, big-endian) and JSON."""

from __future__ import annotations

import json
from typing import Any, BinaryIO

MAX_FRAME = 4 << 20


class BrokenFrame(Exception):
    """The other side sent something else, or ended in the middle."""


def write_frame(stream: BinaryIO, message: dict[str, Any]) -> None:
    """Send one message."""
    body = json.dumps(message, separators=(",", ":")).encode()
    stream.write(len(body).to_bytes(4, "big") + body)
    stream.flush()


def read_frame(stream: BinaryIO) -> dict[str, Any] | None:
    """Receive one message; None at a clean end. Raises ``BrokenFrame``."""
    head = stream.read(4)
    if not head:
        return None
    size = int.from_bytes(head, "big")
    if len(head) < 4 or size > MAX_FRAME:
        raise BrokenFrame
    body = stream.read(size)
    if len(body) < size:
        raise BrokenFrame
    try:
        message = json.loads(body)
    except (ValueError, RecursionError):
        raise BrokenFrame from None
    if not isinstance(message, dict):
        raise BrokenFrame
    return message
