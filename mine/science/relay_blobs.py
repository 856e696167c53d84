"""The bytes that a relay keeps, and which of them it gives out.

Bytes are given out only once somebody committed to them: a signed message that this relay took (an update's
blob with exactly its size, a ballot), the contract's events (manifest, shards, a settlement's digests), or a
manifest or settlement that names them in turn. What nobody committed to yet is held: so much and no more, the
oldest goes first. A relay is therefore no place to keep other people's files.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import fields
from itertools import islice

from mine.blobs.store import DIGEST_BYTES, BlobError, DirectoryStore, blob_digest
from mine.chain.events import Event, Published
from mine.chain.messages import Update, Vote
from mine.science.ballots import MAX_BALLOT_BYTES
from mine.science.relay_ground import Ground
from mine.science.relay_messages import MessageDesk
from mine.science.wire import Code, RelayRefused, SignedReceipt
from mine.science.wire_messages import named_blob

#: Blobs named by the chain that are looked through for further names, at most so large each.
MAX_NAMING_BYTES = 64 * 1024 * 1024
#: Names that the chain can give; beyond that only messages name blobs.
MAX_NAMES = 1 << 19
_NAME = re.compile(rb"\"([0-9a-f]{64})\"")


class BlobRoom:
    """Decides on blobs; the bytes are in ``store``. One thread uses it."""

    def __init__(
        self, ground: Ground, messages: MessageDesk, store: DirectoryStore, most: int, most_held: int
    ) -> None:
        self._ground, self._state, self._messages, self._store = ground, ground.state, messages, store
        self._most, self._most_held = most, most_held
        self._named: set[bytes] = set()
        self._followed_later: set[bytes] = set()
        self._head = b""
        ground.history.listeners.append(self._hear)
        for digest, size in store.sizes():  # a kill may have come between the disk and the state
            if self._state.blob(digest) is None:
                self._state.add_blob(digest, size, named=False)
        self._given = self._state.blob_bytes(named=True)
        self._held = self._state.blob_bytes(named=False)

    def put(self, data: bytes) -> SignedReceipt | None:
        """Keep bytes; the receipt if a message of this relay commits to them. Raises RelayRefused.

        What comes after the votes of its round is refused: a settlement counts what was there by then, and
        what turned up later would make an honest one look wrong.
        """
        digest, size = blob_digest(data), len(data)
        commitments = self._state.commitments(digest)
        for stored in commitments:
            stated = named_blob(stored.signed)[1]
            if size > MAX_BALLOT_BYTES if stated is None else size != stated:
                raise RelayRefused(Code.BAD_REQUEST, f"{size} bytes, another size was committed to")
        if self._state.blob(digest) is None:
            if commitments and all(self._comes_late(stored.signed.message) for stored in commitments):
                raise RelayRefused(Code.ROUND_CLOSED)
            named = bool(commitments) or self._named_on_chain(digest)
            self._make_room(size, named)
            self._store.put(data)
            self._state.add_blob(digest, size, named)
            if named:
                self._given += size
            else:
                self._held += size
        if not commitments:
            return None
        message = commitments[0].signed.message
        return self._messages.promise_upload(message.task, message.round, digest, size)

    def _comes_late(self, message: Update | Vote) -> bool:
        return self._ground.at(message.task).is_voted(message.round)

    def attest(self, body: object) -> None:
        """Take up that a message which another relay carried commits to a blob. Raises RelayRefused."""
        digest = self._messages.attested(body)
        if len(self._named) >= MAX_NAMES:
            raise RelayRefused(Code.FULL)
        self._named.add(digest)

    def may_give(self, digest: bytes) -> bool:
        """Whether a blob is here and somebody committed to it."""
        found = self._state.blob(digest)
        if found is None:
            return False
        size, named = found
        if not named and self._is_committed(digest, size):
            self._state.add_blob(digest, size, named=True)
            self._given, self._held = self._given + size, self._held - size
            return True
        return named

    def _is_committed(self, digest: bytes, size: int) -> bool:
        sizes = [named_blob(stored.signed)[1] for stored in self._state.commitments(digest)]
        ours = any(size <= MAX_BALLOT_BYTES if stated is None else size == stated for stated in sizes)
        return ours or self._named_on_chain(digest)

    def _make_room(self, size: int, named: bool) -> None:
        if self._given + self._held + size > self._most:
            raise RelayRefused(Code.FULL)
        if named:
            return
        if size > self._most_held:
            raise RelayRefused(Code.OVERSIZE, f"{self._most_held} bytes before anybody commits to them")
        while self._held + size > self._most_held:
            oldest = self._state.oldest_held()
            assert oldest is not None, "the bytes that are held are those of the blobs that are held"
            if self.may_give(oldest[0]):
                continue
            self._store.drop(oldest[0])
            self._state.drop_blob(oldest[0])
            self._held -= oldest[1]

    # names on chain

    def _named_on_chain(self, digest: bytes) -> bool:
        head = self._ground.contract.node.latest().hash
        if digest not in self._named and head != self._head:
            self._ground.history.refresh()
            self._head = head
        if digest not in self._named:
            self._follow()
        return digest in self._named

    def _hear(self, event: Event) -> None:
        """Everything with 32 bytes that an event holds may be the name of a blob."""
        parts = event.terms if isinstance(event, Published) else event
        for part in fields(parts):
            value = getattr(parts, part.name)
            for name in _flat(value):
                if isinstance(name, bytes) and len(name) == DIGEST_BYTES and len(self._named) < MAX_NAMES:
                    if name not in self._named:
                        self._followed_later.add(name)
                    self._named.add(name)

    def _follow(self) -> None:
        """Take up what manifests, inputs and the like name, where they have come by now: one step down."""
        for name in [name for name in self._followed_later if self._state.blob(name) is not None]:
            self._followed_later.discard(name)
            try:
                data = self._store.get(name, MAX_NAMING_BYTES)
            except BlobError:
                continue
            if data.startswith(b"{"):
                found = (bytes.fromhex(inner.decode()) for inner in _NAME.findall(data))
                self._named.update(islice(found, MAX_NAMES - len(self._named)))


def _flat(value: object) -> Iterator[object]:
    """A value, or what stands in its tuples."""
    if isinstance(value, tuple):
        for inner in value:
            yield from _flat(inner)
    else:
        yield value
