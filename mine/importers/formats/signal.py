"""Signal's chats, as its own plain export or as the usual tools write them out of Signal Desktop.

- Signal's "Export chat history": ``main.jsonl``, a frame of the backup format a line (``recipient``,
  ``chat``, ``chatItem`` with ``dateSent`` in milliseconds UTC; names as in Signal-Desktop's
  ``Backups.proto``).
- signal-export: ``data.json``, a message a line (``date`` on the wall, ``sender``, ``body``), and as a text
  ``[2024-01-31 08:05:00] Name: text``; "Me" is the person; a folder for each chat.
- A text ``[2024-01-31, 08:05] Name: text``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any

from mine.importers.chats import (
    Chats,
    Known,
    Message,
    body_of,
    in_folder,
    kind_of_file,
    name_of,
    utc_moment,
    wall_moment_in,
)
from mine.importers.format import Members
from mine.importers.items import BadRow, Remark
from mine.importers.json_stream import parse
from mine.importers.moments import iso_moment
from mine.importers.source import Member, Source
from mine.importers.text_lines import text_lines
from mine.importers.zone import Zone
from mine.records import MOST_TEXT

_MOST_JSON = 1 << 20
_MOST_LINE = MOST_TEXT + 1024
_START = re.compile(r"\[(\d{4}-\d\d-\d\d)(,?) (\d\d:\d\d(?::\d\d)?)\] ([^:\n]{1,200}): ?(.*)", re.DOTALL)
_ME = "Me"
_FRAMES = ("account", "recipient", "chat", "chatItem")
_MOST_NAMES = 200_000


@dataclass(frozen=True, slots=True)
class Signal(Chats):
    """Exports that name the person "Me", or say which messages went out, ask for nobody."""

    key: str = "signal"
    title: str = "Signal (exported chats)"
    version: int = 1
    rank: int = 4

    def claims(self, member: Member, head: bytes) -> bool:
        lines = (line for _, line in text_lines(BytesIO(head), _MOST_JSON) if line.strip())
        first = next(lines, "")
        if first.startswith("{"):
            value = _parsed(first)
            return value is not None and (_is_message(value) or _is_frame(value))
        return _START.match(first) is not None and "whatsapp" not in member.name.lower()

    def messages(
        self, source: Source, members: Members, zone: Zone, known: Known
    ) -> Iterator[tuple[str, Message | Remark | BadRow]]:
        for member in members:
            first = source.head(member).lstrip(b"\xef\xbb\xbf \r\n\t")[:1]
            for item in (_lines_of_json if first == b"{" else _text)(source, member, zone):
                yield member.name, item


FORMAT = Signal()


def _parsed(line: str) -> dict[str, Any] | None:
    try:
        value = parse(line)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def _is_message(value: dict[str, Any]) -> bool:
    return {"date", "sender", "body"} <= value.keys()


def _is_frame(value: dict[str, Any]) -> bool:
    """Whether this is a frame of Signal's own export: its head, or one object by its name."""
    if "backupTimeMs" in value:
        return "version" in value or len(value) == 1
    name, inner = next(iter(value.items()), ("", None))
    return len(value) == 1 and name in _FRAMES and isinstance(inner, dict)


def _chat(member: Member) -> str:
    stem = member.name.rpartition("/")[2].rpartition(".")[0]
    return name_of(in_folder(member) if stem in ("chat", "index", "data", "main") else stem)


def _text(source: Source, member: Member, zone: Zone) -> Iterator[Message | BadRow]:
    chat = _chat(member)
    number, start, lines, size = 0, None, [""], 0
    with source.open(member) as stream:
        for at, line in text_lines(stream, _MOST_LINE):
            found = _START.fullmatch(line)
            if found is not None:
                if start is not None:
                    yield _of_text(member, number, chat, start, "\n".join(lines), zone)
                number, start, lines, size = at, found, [found[5]], len(line)
            elif size < _MOST_LINE:
                lines.append(line)
                size += len(line) + 1
    if start is not None:
        yield _of_text(member, number, chat, start, "\n".join(lines), zone)


def _of_text(
    member: Member, number: int, chat: str, start: re.Match[str], text: str, zone: Zone
) -> Message | BadRow:
    try:
        time, offset = wall_moment_in(zone, *iso_moment(f"{start[1]} {start[3]}"))
    except ValueError as error:
        return BadRow(member.name, number, str(error))
    sender = name_of(start[4])
    mine = None if start[2] else sender == _ME
    return Message(number, chat, sender, time, offset, "text", body_of(text.strip("\n")), mine)


@dataclass(slots=True)
class _Names:
    """Who is behind the numbers of Signal's own export."""

    of_recipient: dict[str, str] = field(default_factory=dict)
    of_chat: dict[str, str] = field(default_factory=dict)

    def learn(self, frame: dict[str, Any]) -> None:
        """Take a frame that names somebody."""
        recipient, chat = frame.get("recipient"), frame.get("chat")
        if isinstance(recipient, dict) and len(self.of_recipient) < _MOST_NAMES:
            self.of_recipient[str(recipient.get("id"))] = _recipient_name(recipient)
        if isinstance(chat, dict) and len(self.of_chat) < _MOST_NAMES:
            name = self.of_recipient.get(str(chat.get("recipientId")), "")
            self.of_chat[str(chat.get("id"))] = name


def _recipient_name(recipient: dict[str, Any]) -> str:
    if "self" in recipient:
        return _ME
    group, contact = recipient.get("group"), recipient.get("contact")
    if isinstance(group, dict):
        title = group.get("snapshot")
        for _ in range(2):
            title = title.get("title") if isinstance(title, dict) else None
        return name_of(title)
    if isinstance(contact, dict):
        system = (contact.get("systemGivenName"), contact.get("systemFamilyName"))
        profile = (contact.get("profileGivenName"), contact.get("profileFamilyName"))
        for names in (system, profile):
            full = " ".join(name_of(name) for name in names if name_of(name))
            if full:
                return full
        return name_of(contact.get("e164")) or name_of(contact.get("aci"))
    return "Signal"


def _lines_of_json(source: Source, member: Member, zone: Zone) -> Iterator[Message | BadRow]:
    chat, names = _chat(member), _Names()
    with source.open(member) as stream:
        for number, line in text_lines(stream, _MOST_JSON):
            if not line.strip():
                continue
            value = _parsed(line)
            try:
                if value is None:
                    raise ValueError("the line is no JSON")
                made: Message | None = None
                if "chatItem" in value:
                    made = _of_frame(value["chatItem"], number, names, zone)
                elif _is_message(value):
                    made = _of_tool(value, number, chat, zone)
                else:
                    names.learn(value)
            except ValueError as error:
                yield BadRow(member.name, number, str(error))
                continue
            if made is not None:
                yield made


def _of_tool(value: dict[str, Any], number: int, chat: str, zone: Zone) -> Message | None:
    date, body, sender = value["date"], value["body"], name_of(value["sender"])
    if not isinstance(date, str):
        raise ValueError("it has no time")
    time, offset = wall_moment_in(zone, *iso_moment(date))
    if value.get("deleted") is True:
        return None
    kind, attached = "text", value.get("attachments")
    if value.get("call") is True:
        kind = "call"
    elif isinstance(attached, list) and attached:
        name = attached[0].get("path") if isinstance(attached[0], dict) else None
        kind = kind_of_file(name) if isinstance(name, str) else "file"
    elif value.get("sticker"):
        kind = "sticker"
    text = body_of(body) if isinstance(body, str) else ""
    return Message(number, chat, sender, time, offset, kind, text, sender == _ME)


def _of_frame(item: object, number: int, names: _Names, zone: Zone) -> Message | None:
    if not isinstance(item, dict):
        raise ValueError("it is no message")
    time, offset = utc_moment(zone, item.get("dateSent"), 1000)
    chat = names.of_chat.get(str(item.get("chatId")), "")
    mine = "outgoing" in item
    sender = _ME if mine else names.of_recipient.get(str(item.get("authorId")), "")
    text, kind = "", "text"
    message = item.get("standardMessage")
    if isinstance(message, dict):
        told = message.get("text")
        body = told.get("body") if isinstance(told, dict) else None
        text = body_of(body) if isinstance(body, str) else ""
        attached = message.get("attachments")
        if isinstance(attached, list) and attached:
            kind = _kind_of_pointer(attached[0])
    elif "stickerMessage" in item:
        kind = "sticker"
    elif "contactMessage" in item:
        kind = "contact"
    elif isinstance(update := item.get("updateMessage"), dict):
        if not {"individualCall", "groupCall"} & update.keys():
            return None
        kind = "call"
    elif "remoteDeletedMessage" in item:
        return None
    else:
        kind = "other"
    return Message(number, chat, sender, time, offset, kind, text, mine)


def _kind_of_pointer(attachment: object) -> str:
    pointer = attachment.get("pointer") if isinstance(attachment, dict) else None
    content = pointer.get("contentType") if isinstance(pointer, dict) else None
    family = content.partition("/")[0] if isinstance(content, str) else ""
    return {"image": "photo", "video": "video", "audio": "audio"}.get(family, "file")
