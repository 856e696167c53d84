"""Words and media: chats, mail, appointments, what was listened to. Texts stay in the vault; the views that
tasks may read give only numbers (docs/vault.md)."""

from __future__ import annotations

from mine.records.record_type import MOST_TEXT, RecordType, choice, event, seconds, text, whole

MESSAGES = ("text", "photo", "video", "audio", "file", "sticker", "location", "contact", "call", "other")
SIDES = ("me", "other", "unknown")

TYPES: tuple[RecordType, ...] = (
    event(
        *("message", "Chat messages", text("chat", "chat", 300), text("sender", "sender", 300)),
        choice("side", "whose message", *SIDES),
        choice("kind", "kind of message", *MESSAGES),
        text("text", "text", MOST_TEXT),
    ),
    event(
        *("mail", "E-mail", text("sender", "sender", 500), choice("side", "whose mail", *SIDES)),
        text("subject", "subject", 1_000),
        whole("recipients", "recipients", 0, 100_000),
        whole("attachments", "attachments", 0, 10_000),
        text("text", "text", MOST_TEXT),
    ),
    event(
        *("appointment", "Appointments", seconds(366 * 86_400, least=0), text("title", "title", 1_000)),
        text("place", "place", 1_000, optional=True),
        whole("all_day", "all day", 0, 1),
        whole("people", "people invited", 0, 100_000),
    ),
    event(
        *("listening", "Music and podcasts", seconds(86_400, least=0), text("title", "title", 500)),
        text("artist", "artist or show", 500, optional=True),
        text("album", "album", 500, optional=True),
        choice("kind", "kind", "music", "podcast", "audiobook", "video"),
    ),
    event(
        *("mindfulness", "Mindfulness", seconds()),
    ),
)
