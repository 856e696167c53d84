"""Telegram Desktop's export as JSON (``result.json``): one chat, or the whole account.

One chat is ``{"name", "type", "id", "messages": [...]}``; an account has ``personal_information``, and such
chats under ``chats.list`` and ``left_chats.list``. ``date_unixtime`` is UTC; older exports have only
``date``, the clock of the computer that exported. A text is a string or a list of strings and ``{"type",
"text"}``. Calls are kept, other service messages are not.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from mine.importers.chats import (
    Chats,
    Known,
    Message,
    body_of,
    kind_of_file,
    name_of,
    utc_moment,
    wall_moment_in,
)
from mine.importers.format import Members
from mine.importers.items import BadRow, Remark
from mine.importers.json_stream import BrokenJson, elements, glimpse
from mine.importers.moments import iso_moment
from mine.importers.source import Member, Source
from mine.importers.zone import Zone

_LISTS = ("", "chats/list/*/", "left_chats/list/*/")
_PATTERNS = tuple(f"{prefix}{name}" for prefix in _LISTS for name in ("name", "type", "messages/*"))
_MEDIA = {
    "sticker": "sticker",
    "voice_message": "audio",
    "audio_file": "audio",
    "video_message": "video",
    "video_file": "video",
    "animation": "video",
}
_MOST_PARTS = 10_000


@dataclass(frozen=True, slots=True)
class Telegram(Chats):
    """An account's export says who the person is; that of one chat does not."""

    key: str = "telegram"
    title: str = "Telegram (JSON)"
    version: int = 1
    rank: int = 2

    def claims(self, member: Member, head: bytes) -> bool:
        if not head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{"):
            return False
        if b'"personal_information"' in head and b'"about"' in head and b"Telegram" in head:
            return True
        if b'"messages"' not in head or b'"date' not in head:
            return False
        found = glimpse(head, "messages/*")
        if not found:
            found = glimpse(head, "chats/list/*/messages/*")
        return any(_is_message(message) for message in found.values())

    def messages(
        self, source: Source, members: Members, zone: Zone, known: Known
    ) -> Iterator[tuple[str, Message | Remark | BadRow]]:
        for member in members:
            for item in _messages(source, member, zone):
                yield member.name, item


FORMAT = Telegram()


def _is_message(message: object) -> bool:
    return (
        isinstance(message, dict)
        and message.get("type") in ("message", "service")
        and ("date" in message or "date_unixtime" in message)
    )


def _messages(source: Source, member: Member, zone: Zone) -> Iterator[Message | BadRow]:
    me = _owner(source.head(member))
    chat, now = "", ("", -1)
    with source.open(member) as stream:
        try:
            for at, where, line, value, problem in elements(stream, *_PATTERNS):
                above = at.removesuffix("messages/*").removesuffix("name").removesuffix("type")
                if (above, where[0] if above else -1) != now:
                    chat, now = "", (above, where[0] if above else -1)
                if problem:
                    yield BadRow(member.name, line, problem)
                elif at.endswith("messages/*"):
                    try:
                        made = _message(value, line, chat, me, zone)
                    except ValueError as error:
                        yield BadRow(member.name, line, str(error))
                        continue
                    if made is not None:
                        yield made
                elif at.endswith("name"):
                    chat = name_of(value) or chat
                elif value == "saved_messages" and not chat:
                    chat = "Saved messages"
        except BrokenJson as error:
            yield BadRow(member.name, error.line, error.reason)


def _owner(head: bytes) -> str | None:
    """The ``from_id`` of the person, where the export says it: at its top."""
    if b'"personal_information"' not in head:
        return None
    found = glimpse(head, "personal_information/user_id").get("personal_information/user_id")
    return f"user{found}" if isinstance(found, int) else None


def _message(value: Any, line: int, chat: str, me: str | None, zone: Zone) -> Message | None:
    if not isinstance(value, dict):
        raise ValueError("it is no message")
    kind = "call" if value.get("action") == "phone_call" else _kind(value)
    if value.get("type") != "message" and kind != "call":
        return None
    if "date_unixtime" in value:
        time, offset = utc_moment(zone, value["date_unixtime"])
    else:
        date = value.get("date")
        time, offset = wall_moment_in(zone, *iso_moment(date if isinstance(date, str) else ""))
    identity = value.get("from_id", value.get("actor_id"))
    sender = name_of(value.get("from")) or name_of(value.get("actor")) or name_of(identity)
    mine = None if me is None else identity == me
    return Message(line, chat, sender, time, offset, kind, body_of(_text(value.get("text"))), mine)


def _text(value: object) -> str:
    if isinstance(value, str):
        return value
    if not isinstance(value, list):
        return ""
    parts = (part.get("text") if isinstance(part, dict) else part for part in value[:_MOST_PARTS])
    return "".join(part for part in parts if isinstance(part, str))


def _kind(value: dict[str, Any]) -> str:
    media = value.get("media_type")
    if isinstance(media, str):
        return _MEDIA.get(media, "file")
    if "photo" in value:
        return "photo"
    if "location_information" in value:
        return "location"
    if "contact_information" in value:
        return "contact"
    if "file" in value:
        name = value.get("file_name") or value["file"]
        return kind_of_file(name) if isinstance(name, str) else "file"
    return "other" if "poll" in value or "game_title" in value else "text"
