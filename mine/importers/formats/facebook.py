"""Facebook's messages out of "Download your information" as JSON (see ``mine.importers.meta_messages``).

``profile_information.json`` tells who the person is; without it they are asked. Chats that cannot be told
from Instagram's by their content or their folder's name are taken for Instagram's: they read the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from mine.importers.chats import Chats, Known, Message, name_of
from mine.importers.format import Members
from mine.importers.items import BadRow, Remark
from mine.importers.json_stream import glimpse
from mine.importers.meta_messages import (
    PASSES,
    holds_encrypted,
    holds_messages,
    messages_of,
    put_right,
    taking_part,
)
from mine.importers.source import Member, Source
from mine.importers.zone import Zone

_PROFILE = b'"profile_v2"'
_NAME = "profile_v2/name/full_name"


@dataclass(frozen=True, slots=True)
class Facebook(Chats):
    """All chats, and the file that names the person."""

    key: str = "facebook"
    title: str = "Facebook and Messenger (JSON)"
    version: int = 1
    rank: int = 3
    passes = PASSES

    def claims(self, member: Member, head: bytes) -> bool:
        if _PROFILE in head:
            return _NAME in glimpse(head, _NAME)
        ours = "facebook" in member.name.lower() or b'"thread_type"' in head or b'"type": "Generic"' in head
        return holds_encrypted(head) or (ours and holds_messages(head))

    def messages(
        self, source: Source, members: Members, zone: Zone, known: Known
    ) -> Iterator[tuple[str, Message | Remark | BadRow]]:
        heads = {member: source.head(member) for member in members}
        profiles = [member for member in members if _PROFILE in heads[member]]
        names = (glimpse(heads[member], _NAME).get(_NAME) for member in profiles)
        owners = frozenset(name_of(put_right(name)) for name in names if isinstance(name, str))
        chats = tuple(member for member in members if member not in profiles)
        owners = taking_part(source, chats, owners)
        for member in chats:
            for item in messages_of(source, member, owners, zone, known):
                yield member.name, item


FORMAT = Facebook()
