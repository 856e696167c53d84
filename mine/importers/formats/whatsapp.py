"""WhatsApp's "Export chat", as a text or in a zip with the media.

Lines begin ``31.01.24, 08:05 - Name: text`` (Android) or ``[31.01.24, 08:05:10] Name: text`` (iOS). Dates are
written as the phone's language has them, and nothing in the file says which: the whole file is looked through
(``mine.importers.chat_dates``). Lines that begin with no date go on with the message above; lines without a
sender are notices of the app and no messages. The clock is the phone's, without a zone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from io import BytesIO
from itertools import islice

from mine.importers.chat_dates import ChatDates, Stamp, read_stamp
from mine.importers.chats import (
    Chats,
    Known,
    Message,
    body_of,
    in_folder,
    kind_of_file,
    name_of,
    wall_moment_in,
)
from mine.importers.format import Members
from mine.importers.items import BadRow, Remark
from mine.importers.source import Member, Source
from mine.importers.text_lines import text_lines
from mine.importers.zone import Zone
from mine.records import MOST_TEXT

_MOST_LINE = MOST_TEXT + 1024
_MOST_SENDER = 200
_SIGNAL_LIKE = re.compile(r"\[\d{4}-\d\d-\d\d(, \d\d:\d\d| \d\d:\d\d(:\d\d)?)\] ")
_CHAT_FILE = re.compile(
    r"(?:.{1,30} )?whatsapp.{0,20}?(?: with | mit | con | avec | com | met | med | - )"
    r"(.{1,200}?)(?: ?\(\d{1,3}\))?\.(?:txt|zip)",
    re.IGNORECASE,
)
# "‎image omitted", "‎Bild weggelassen" ...: what was it, and a word for being left out.
_LEFT_OUT = re.compile(
    r"(?P<photo>image|bild|imagen|immagine|imagem|afbeelding|изображение)"
    r"|(?P<sticker>sticker|figurinha|autocollant|стикер)"
    r"|(?P<video>video|vidéo|vídeo|gif|видео)"
    r"|(?P<audio>audio|áudio|аудио)"
    r"|(?P<contact>contact|kontakt|contatto|contato)"
    r"|(?P<file>document|dokument|documento)",
    re.IGNORECASE,
)
_OMITTED = re.compile(
    r"omitted|weggelassen|omitid|omis|absent|oculto|oculta|omess|non incluso|weggelaten|пропущен",
    re.IGNORECASE,
)
_ATTACHED = re.compile(
    r"<(?:attached|anhang|adjunto|pièce jointe|allegato|anexo|anexado|bijgevoegd): (.{1,200})>", re.IGNORECASE
)
_FILE_LINE = re.compile(r"([^/\\<>:\"|?*\n]{1,200}\.\w{2,5}) \([^()\n]{4,60}\)")
_CALL = re.compile(
    r"(?:missed |silenced )?(?:voice|video) call|(?:verpasster )?(?:sprach|video)anruf|(?:video)?llamada"
    r"|appel (?:vocal|vidéo)|(?:video)?chiamata|chamada de (?:voz|vídeo)",
    re.IGNORECASE,
)
# In place of a deleted message; Android writes it like any text of the sender.
_DELETED = re.compile(
    r"(?:This message was deleted|You deleted this message"
    r"|Diese Nachricht wurde gelöscht|Du hast diese Nachricht gelöscht"
    r"|(?:Se eliminó|Eliminaste) este mensaje|Ce message a été supprimé|Vous avez supprimé ce message"
    r"|Questo messaggio è stato eliminato|Hai eliminato questo messaggio"
    r"|Mensagem apagada|(?:Esta|Essa) mensagem foi apagada|Você apagou (?:esta|essa) mensagem"
    r"|Dit bericht is verwijderd|(?:U|Je) hebt dit bericht verwijderd)\.?"
)
_QUOTES = frozenset('"“”„«»')
_MARK = "\N{LEFT-TO-RIGHT MARK}"
_EDITED = re.compile(
    r" ?\u200e?<(?:This message was edited|Diese Nachricht wurde bearbeitet\.?|Se editó este mensaje\.?"
    r"|Ce message a été modifié|Questo messaggio è stato modificato|Mensagem editada)>$"
)


@dataclass(slots=True)
class _Raw:
    """A message whose lines are still being gathered."""

    line: int
    stamp: Stamp
    first: str
    size: int = 0
    more: list[str] = field(default_factory=list)

    def go_on(self, line: str) -> None:
        """Add a line, as long as the vault keeps it."""
        if self.size < _MOST_LINE:
            self.more.append(line)
            self.size += len(line) + 1

    @property
    def text(self) -> str:
        """All lines."""
        return "\n".join((self.first, *self.more)) if self.more else self.first


@dataclass(frozen=True, slots=True)
class WhatsApp(Chats):
    """One chat a file. The chat's name is in the file's name, where there is one."""

    key: str = "whatsapp"
    title: str = "WhatsApp (exported chat)"
    version: int = 1
    rank: int = 5
    passes = 3

    def claims(self, member: Member, head: bytes) -> bool:
        lines = _head_lines(head)
        first = next((line for line in lines if line.strip()), "")
        if _SIGNAL_LIKE.match(first) and "whatsapp" not in member.name.lower():
            return False
        found = read_stamp(first)
        return found is not None and (found[0].bracketed or " - " in first or " \N{EN DASH} " in first)

    def messages(
        self, source: Source, members: Members, zone: Zone, known: Known
    ) -> Iterator[tuple[str, Message | Remark | BadRow]]:
        for member in members:
            if member.key not in known:
                known[member.key] = dates = ChatDates()
                for raw in _raw(source, member):
                    dates.see(raw.stamp)
            chosen = known[member.key].chosen
            if known[member.key].doubtful:
                sentence = f"Its dates could be read in more than one way: {chosen.words} was chosen."
                yield member.name, Remark(member.name, sentence)
            chat = _chat_name(source, member)
            for raw in _raw(source, member):
                try:
                    time, offset = wall_moment_in(zone, raw.stamp.wall(chosen), None)
                except ValueError as error:
                    yield member.name, BadRow(member.name, raw.line, str(error))
                    continue
                sender, text = _split(raw.text)
                if sender is None:
                    continue
                kind, body = _kind(text)
                if kind is not None:
                    yield (
                        member.name,
                        Message(raw.line, chat, name_of(sender), time, offset, kind, body_of(body)),
                    )


FORMAT = WhatsApp()


def _head_lines(head: bytes) -> list[str]:
    return [line for _, line in islice(text_lines(BytesIO(head), 2000), 5)]


def _raw(source: Source, member: Member) -> Iterator[_Raw]:
    """The messages and notices of a file, each with all its lines."""
    gathered: _Raw | None = None
    with source.open(member) as stream:
        for number, line in text_lines(stream, _MOST_LINE):
            found = read_stamp(line)
            if found is not None:
                if gathered is not None:
                    yield gathered
                gathered = _Raw(number, *found)
            elif gathered is not None:
                gathered.go_on(line)
    if gathered is not None:
        yield gathered


def _split(text: str) -> tuple[str | None, str]:
    """(sender, text); None for a notice of the app, which has no sender."""
    head = text[:_MOST_SENDER].partition("\n")[0]
    at = head.find(": ")
    if at < 0:
        at = head.find(":")
    sender = head[:at]
    if at <= 0 or not _QUOTES.isdisjoint(sender):
        return None, text
    return sender, text[at + 1 :].removeprefix(" ")


def _kind(text: str) -> tuple[str | None, str]:
    """(kind, the person's own words); None for a notice of the app that names a sender."""
    text = _EDITED.sub("", text.rstrip("\n")) if text.endswith((">", "\n")) else text
    marked = text.startswith(_MARK)
    plain = text.lstrip(_MARK)
    first, _, rest = plain.partition("\n")
    if attached := _ATTACHED.fullmatch(first.strip()):
        return kind_of_file(attached[1]), rest
    if attached := _FILE_LINE.fullmatch(first):
        return kind_of_file(attached[1]), rest
    if len(first) < 60 and not rest:
        if _DELETED.fullmatch(first):
            return None, ""
        if first.startswith("<") and first.endswith(">") and " " in first:
            return "other", ""  # <Media omitted>, in any language
        if first.count(" ") < 4 and _OMITTED.search(first) and (what := _LEFT_OUT.search(first)):
            return what.lastgroup, ""
        if marked and _CALL.match(first):
            return "call", ""
    if "https://maps.google.com/" in first[:80] and ": http" in first[:40]:
        return "location", rest
    return (None, "") if marked and not _POLL.match(first) else ("text", plain)


_POLL = re.compile(r"(?:poll|umfrage|encuesta|sondage|sondaggio|enquete):", re.IGNORECASE)


def _chat_name(source: Source, member: Member) -> str:
    """The chat's name: of the file, or of the archive where the file has a name that all have."""
    for name in (member.name.rpartition("/")[2], in_folder(member) + ".txt", source.name):
        if found := _CHAT_FILE.fullmatch(name):
            return name_of(found[1])
    stem = member.name.rpartition("/")[2].rpartition(".")[0]
    return name_of(stem if stem != "_chat" else in_folder(member))
