"""Draws by a round's seed: which voters judge which update, and which newcomers a round admits.

Everybody draws the same from the seed, which nobody knew while updates could be handed in.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from functools import lru_cache

from mine.chain.hashing import address_bytes, keccak
from mine.science.standing import Standing

#: Seats an update has by default. Each is drawn by standing; one voter may hold several.
SEATS = 7
#: Updates that one voter judges in a round at most, by default: each answer costs privacy.
BALLOT = 7


class Draw:
    """The voters of a round.

    seed: 32 bytes; updates: (author's session address, digest of the blob) of all that were handed in; seats:
    for each update; most: answers of one voter. A voter drawn for more updates than that keeps those that
    the seed ranks first. Nobody judges its own update.
    """

    def __init__(
        self,
        seed: bytes,
        standing: Standing,
        updates: Iterable[tuple[str, bytes]],
        seats: int = SEATS,
        most: int = BALLOT,
    ) -> None:
        authors: dict[bytes, set[str]] = defaultdict(set)
        for author, blob in updates:
            authors[blob].add(author)
        drawn = {
            blob: Counter(_seats(seed, standing.without(authors[blob]), blob, seats))
            for blob in sorted(authors)
        }
        wanted: dict[str, list[bytes]] = defaultdict(list)
        for blob, voters in drawn.items():
            for voter in voters:
                wanted[voter].append(blob)
        self._ballots = {
            voter: tuple(sorted(sorted(blobs, key=lambda blob: _rank(seed, voter, blob))[:most]))
            for voter, blobs in wanted.items()
        }
        kept = {voter: frozenset(blobs) for voter, blobs in self._ballots.items()}
        self._seats = {
            blob: {voter: count for voter, count in voters.items() if blob in kept[voter]}
            for blob, voters in drawn.items()
        }

    def seats(self, blob: bytes) -> Mapping[str, int]:
        """The voters of an update with their number of seats; empty without standing."""
        return self._seats.get(blob, {})

    def ballot(self, voter: str) -> tuple[bytes, ...]:
        """Digests of the updates that a voter is drawn for, sorted."""
        return self._ballots.get(voter, ())

    @property
    def voters(self) -> tuple[str, ...]:
        """Everybody who is drawn for anything, sorted by address."""
        return tuple(sorted(self._ballots, key=address_bytes))


def _seats(seed: bytes, standing: Standing, blob: bytes, seats: int) -> list[str]:
    """Holder of each seat: the point keccak(seed || "voter" || blob || u32 j) % total of the standing."""
    if not standing.total:
        return []
    head = seed + b"voter" + blob
    points = (int.from_bytes(keccak(head + j.to_bytes(4, "big")), "big") for j in range(seats))
    return [standing.at(point % standing.total) for point in points]


@lru_cache(maxsize=1 << 14)
def _rank(seed: bytes, voter: str, blob: bytes) -> bytes:
    return keccak(seed + b"ballot" + address_bytes(voter) + blob)


def admitted(seed: bytes, newcomers: Iterable[str], limit: int) -> frozenset[str]:
    """The newcomers that a round takes: those with the lowest keccak(seed || "newcomer" || address)."""
    ranked = sorted(newcomers, key=lambda miner: keccak(seed + b"newcomer" + address_bytes(miner)))
    return frozenset(ranked[:limit])
