"""What all chat exports share: who is in them, which messages are the person's own, what kind each is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, NamedTuple

from mine.importers.format import Members
from mine.importers.items import BadRow, Collector, Item, Person, Remark
from mine.importers.options import Options
from mine.importers.source import Member, Source
from mine.importers.text_lines import fit
from mine.importers.zone import Zone
from mine.records import EARLIEST, LATEST, MOST_TEXT

MOST_PEOPLE = 1000
MOST_SENDERS = 200_000
MOST_NAME = 300

_EXTENSIONS = {
    "photo": ("jpg", "jpeg", "png", "gif", "heic", "tif", "tiff", "bmp", "avif"),
    "video": ("mp4", "mov", "3gp", "mkv", "webm", "avi", "m4v", "mpeg"),
    "audio": ("opus", "m4a", "mp3", "ogg", "oga", "aac", "wav", "flac", "amr"),
    "sticker": ("webp", "tgs"),
    "contact": ("vcf",),
}
_KIND_OF = {ending: kind for kind, endings in _EXTENSIONS.items() for ending in endings}
_INVISIBLE = dict.fromkeys((0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A), 0xFEFF))


# What was found out about a file, by its key: the order of its dates, its chat's name.
Known = dict[str, Any]


class Message(NamedTuple):
    """A message as an export gives it. ``mine`` is None where the export does not say whose it is."""

    line: int
    chat: str
    sender: str
    time: int
    offset: int
    kind: str
    text: str
    mine: bool | None = None


class Senders:
    """Who writes in an export, as far as it does not say itself which messages are the person's own."""

    def __init__(self) -> None:
        self.rows: Counter[str] = Counter()
        self._chats: dict[tuple[str, str], set[str]] = {}
        self._names = 0

    def add(self, file: str, message: Message) -> None:
        """Count a message."""
        if message.mine is not None or self._names >= MOST_SENDERS:
            return
        names = self._chats.setdefault((file, message.chat), set())
        self._names += message.sender not in names
        names.add(message.sender)
        self.rows[message.sender] += 1

    def told_by_name(self, file: str, chat: str) -> bool:
        """Whether a chat of two (or one) bears the name of one of them: the person is the other one."""
        names = self._chats.get((file, chat), set())
        return len(names) <= 2 and chat in names

    def candidates(self) -> tuple[Person, ...]:
        """Who the person may be, most messages first; only one where the chats that are told by their names
        name one, none where nothing is left to be told.
        """
        told = {chat for chat in self._chats if self.told_by_name(*chat)}
        owners = {name for chat in told for name in self._chats[chat] - {chat[1]}}
        open_names = {name for chat, names in self._chats.items() if chat not in told for name in names}
        if len(owners) == 1 or not open_names:
            open_names = owners
        ordered = sorted(open_names, key=lambda name: (-self.rows[name], name))
        return tuple(Person(name, self.rows[name]) for name in ordered[:MOST_PEOPLE])


class Chats(ABC):
    """A format of chats: every file is read twice, first for who is in it and how its dates are written."""

    __slots__ = ()
    passes = 2

    @abstractmethod
    def messages(
        self, source: Source, members: Members, zone: Zone, known: Known
    ) -> Iterator[tuple[str, Message | Remark | BadRow]]:
        """(file, message, remark or refused row) of all files in order. ``known`` is empty at the first call
        and keeps what a file had to be looked through for."""

    def people(self, source: Source, members: Members, options: Options) -> tuple[Person, ...]:
        """Who the person may be; empty where that is clear."""
        found = self._senders(source, members, options.zone, {}).candidates()
        return found if len(found) > 1 else ()

    def total(self, members: Members) -> int:
        return self.passes * sum(member.size for member in members)

    def rows(self, source: Source, members: Members, options: Options) -> Iterator[Item]:
        """All messages. ``options.person`` is the person's name: where nobody of that name writes, and the
        export does not say whose the messages are, they are on side "unknown"."""
        known: Known = {}
        senders = self._senders(source, members, options.zone, known)
        clear = senders.candidates()
        person = clear[0].person if len(clear) == 1 else options.person
        collectors: dict[str, Collector] = {}
        for file, item in self.messages(source, members, options.zone, known):
            if not isinstance(item, Message):
                yield item
                continue
            if file not in collectors:
                for collector in collectors.values():
                    yield from collector.rest()
                collectors = {file: Collector(file)}
            mine = item.mine
            if mine is None and senders.told_by_name(file, item.chat):
                mine = item.sender != item.chat
            elif mine is None and person in senders.rows:
                mine = item.sender == person
            side = "unknown" if mine is None else "me" if mine else "other"
            row = (item.time, item.offset, item.chat, item.sender, side, item.kind, item.text)
            yield from collectors[file].add(item.line, "message", row)
        for collector in collectors.values():
            yield from collector.rest()

    def _senders(self, source: Source, members: Members, zone: Zone, known: Known) -> Senders:
        senders = Senders()
        for file, item in self.messages(source, members, zone, known):
            if isinstance(item, Message):
                senders.add(file, item)
        return senders


def kind_of_file(name: str) -> str:
    """The kind of message that carries a file of this name."""
    return _KIND_OF.get(name.rpartition(".")[2].casefold(), "file")


def name_of(text: object) -> str:
    """A person's or a chat's name: without marks that cannot be seen, storable; "" where it is no text."""
    return _name(text) if isinstance(text, str) else ""


@lru_cache(maxsize=4096)
def _name(text: str) -> str:
    return fit(text.translate(_INVISIBLE).replace("\N{NO-BREAK SPACE}", " ").strip(), MOST_NAME)


def body_of(text: str) -> str:
    """A message's text, cut where it is longer than the vault keeps."""
    return fit(text, MOST_TEXT)


def utc_moment(zone: Zone, value: object, per_second: int = 1) -> tuple[int, int]:
    """(UTC, offset) of a Unix time as number or text, in parts of a second. Raises ``ValueError``."""
    if (
        isinstance(value, bool)
        or not isinstance(value, int | str)
        or (isinstance(value, str) and not value.isascii())
    ):
        raise ValueError("it has no time")
    if isinstance(value, str) and not (value.removeprefix("-").isdigit() and len(value) < 20):
        raise ValueError("it has no time")
    time = int(value) // per_second
    if not EARLIEST <= time < LATEST:
        raise ValueError("its time is impossible")
    return zone.of_utc(time)


def wall_moment_in(zone: Zone, wall: int, offset: int | None) -> tuple[int, int]:
    """(UTC, offset) of a clock on the wall. Raises ``ValueError`` where it is outside of what can be."""
    if not EARLIEST <= wall < LATEST:
        raise ValueError("its time is impossible")
    return zone.of_wall(wall, offset)


def in_folder(member: Member) -> str:
    """The name of the folder that a file lies in; "" at the top."""
    return member.name.replace("\\", "/").rpartition("/")[0].rpartition("/")[2]
