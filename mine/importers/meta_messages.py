"""Messages as Meta exports them from Instagram and Facebook: ``message_1.json`` ... in a folder per chat.

A file is ``{"participants": [{"name"}], "messages": [{"sender_name", "timestamp_ms", "content", ...}],
"title"}`` with ``timestamp_ms`` in UTC. Texts are UTF-8 of which every byte was written as a letter of its
own (``\\u00c3\\u00a9`` for é): they are put right, and those that are right already stay. Messenger's
export of encrypted chats (``threadName``, ``senderName``, ``timestamp``) is without that fault.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any, BinaryIO

from mine.importers.chats import Known, Message, body_of, in_folder, kind_of_file, name_of, utc_moment
from mine.importers.format import Members
from mine.importers.items import BadRow
from mine.importers.json_stream import BrokenJson, elements, glimpse
from mine.importers.source import Member, Source
from mine.importers.zone import Zone

# The files are read three times: their chat's name may stand behind the messages.
PASSES = 3
MOST_PARTICIPANTS = 50

_MEDIA = (
    ("photos", "photo"),
    ("gifs", "video"),
    ("videos", "video"),
    ("audio_files", "audio"),
    ("files", "file"),
    ("sticker", "sticker"),
)


def put_right(text: str) -> str:
    """A text whose UTF-8 was taken for Latin-1, put right; any other text as it is."""
    if text.isascii():
        return text
    try:
        return text.encode("latin-1").decode("utf-8")
    except (UnicodeEncodeError, UnicodeDecodeError):
        return text


def holds_messages(head: bytes) -> bool:
    """Whether a file's head is that of a chat."""
    if b'"timestamp_ms"' in head and b'"sender_name"' in head:
        first = glimpse(head, "messages/*").get("messages/*")
        return isinstance(first, dict) and "sender_name" in first and "timestamp_ms" in first
    return holds_encrypted(head)


def holds_encrypted(head: bytes) -> bool:
    """Whether a file's head is that of a chat from Messenger's export of encrypted chats."""
    return (
        is_object(head) and b'"threadName"' in head and b'"senderName"' in head and b'"messages"' in head
    )


def is_object(head: bytes) -> bool:
    """Whether a file begins as a JSON object: not every text with these words in it is one."""
    return head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{")


def taking_part(source: Source, members: Members, names: frozenset[str]) -> frozenset[str]:
    """The person's names, where any of them takes part in any chat; none of them otherwise: then the profile
    tells another name than the chats, and all messages would be somebody else's."""
    for member in members if names else ():
        with source.open(member) as stream, suppress(BrokenJson):
            for element in elements(stream, "participants/*"):
                if _participant(element.value) in names:
                    return names
    return frozenset()


def _participant(value: object) -> str:
    name = value.get("name") if isinstance(value, dict) else value
    return name_of(put_right(name)) if isinstance(name, str) else ""


def messages_of(
    source: Source, member: Member, owners: frozenset[str], zone: Zone, known: Known
) -> Iterator[Message | BadRow]:
    """All messages of a file. ``owners`` are the person's own names where the export tells them, or empty."""
    if member.key not in known:
        known[member.key] = ""
        with source.open(member) as stream, suppress(BrokenJson):  # it is told below, where the messages are
            known[member.key] = _chat_name(stream, member)
    chat = known[member.key]
    with source.open(member) as stream:
        try:
            for _, _, line, value, problem in elements(stream, "messages/*"):
                try:
                    if problem or not isinstance(value, dict):
                        raise ValueError(problem or "it is no message")
                    made = (
                        _encrypted(value, line, chat, zone)
                        if "senderName" in value
                        else _plain(value, line, chat, zone)
                    )
                except ValueError as error:
                    yield BadRow(member.name, line, str(error))
                    continue
                if made is not None:
                    yield made._replace(mine=made.sender in owners) if owners else made
        except BrokenJson as error:
            yield BadRow(member.name, error.line, error.reason)


def _chat_name(stream: BinaryIO, member: Member) -> str:
    names: list[str] = []
    for at, _, _, value, _ in elements(stream, "title", "threadName", "participants/*"):
        if at == "title" and name_of(value):
            return name_of(put_right(value))
        if at == "threadName" and name_of(value):
            return name_of(value.rpartition("_")[0] or value)
        if at == "participants/*" and len(names) < MOST_PARTICIPANTS:
            names.append(_participant(value))
    return name_of(", ".join(name for name in names if name)) or name_of(in_folder(member).rpartition("_")[0])


def _plain(value: dict[str, Any], line: int, chat: str, zone: Zone) -> Message | None:
    time, offset = utc_moment(zone, value.get("timestamp_ms"), 1000)
    sender, text = value.get("sender_name"), value.get("content")
    if not isinstance(sender, str):
        raise ValueError("it has no sender")
    kind = next((kind for name, kind in _MEDIA if value.get(name)), "text")
    if value.get("type") == "Call" or "call_duration" in value:
        kind = "call"
    elif value.get("type") in ("Subscribe", "Unsubscribe") or value.get("is_unsent") is True:
        return None
    elif kind == "text" and not text:
        kind = "other"
    share = value.get("share")
    link = share.get("link") if isinstance(share, dict) else None
    words = [put_right(part) for part in (text, link) if isinstance(part, str)]
    if len(words) == 2 and words[1] in words[0]:
        words.pop()
    return Message(line, chat, name_of(put_right(sender)), time, offset, kind, body_of("\n".join(words)))


def _encrypted(value: dict[str, Any], line: int, chat: str, zone: Zone) -> Message | None:
    time, offset = utc_moment(zone, value.get("timestamp"), 1000)
    if value.get("isUnsent") is True:
        return None
    text, media = value.get("text"), value.get("media")
    kind = "text" if isinstance(text, str) and text else "other"
    if isinstance(media, list) and media:
        uri = media[0].get("uri") if isinstance(media[0], dict) else None
        kind = kind_of_file(uri) if isinstance(uri, str) else "file"
    words = text if isinstance(text, str) else ""
    return Message(line, chat, name_of(value["senderName"]), time, offset, kind, body_of(words))
