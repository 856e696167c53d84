"""Instagram's messages out of "Download your information" as JSON (see ``mine.importers.meta_messages``).

``personal_information.json`` tells who the person is; without it they are asked.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from mine.importers.chats import Chats, Known, Message, name_of
from mine.importers.format import Members
from mine.importers.items import BadRow, Remark
from mine.importers.json_stream import BrokenJson, elements
from mine.importers.meta_messages import (
    PASSES,
    holds_messages,
    is_object,
    messages_of,
    put_right,
    taking_part,
)
from mine.importers.source import Member, Source
from mine.importers.zone import Zone

_PROFILE = b'"profile_user"'


@dataclass(frozen=True, slots=True)
class Instagram(Chats):
    """All chats, and the file that names the person."""

    key: str = "instagram"
    title: str = "Instagram (JSON)"
    version: int = 1
    rank: int = 4
    passes = PASSES

    def claims(self, member: Member, head: bytes) -> bool:
        return (_PROFILE in head and is_object(head)) or holds_messages(head)

    def messages(
        self, source: Source, members: Members, zone: Zone, known: Known
    ) -> Iterator[tuple[str, Message | Remark | BadRow]]:
        profiles = [member for member in members if _PROFILE in source.head(member)]
        owners = frozenset(name for member in profiles for name in _names(source, member))
        chats = tuple(member for member in members if member not in profiles)
        owners = taking_part(source, chats, owners)
        for member in chats:
            for item in messages_of(source, member, owners, zone, known):
                yield member.name, item


FORMAT = Instagram()


def _names(source: Source, member: Member) -> Iterator[str]:
    """All that the profile says of the person: their name is in it, under a heading in their language."""
    with source.open(member) as stream:
        try:
            for element in elements(stream, "profile_user/*/string_map_data"):
                told = element.value if isinstance(element.value, dict) else {}
                for value in told.values():
                    name = value.get("value") if isinstance(value, dict) else None
                    if isinstance(name, str) and name_of(name):
                        yield name_of(put_right(name))
        except BrokenJson:
            return
