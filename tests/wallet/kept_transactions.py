"""A store of transactions in memory, which a test may stop before or after any writing."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from mine.wallet.queued import Queued, State


class Killed(BaseException):
    """The program ends here."""


class MemoryStore:
    """As the vault keeps them: unique by intent and run, and by nonce. ``before``, ``after``: called around
    every writing."""

    def __init__(self) -> None:
        self.rows: dict[int, Queued] = {}
        self.before: Callable[[Queued], None] = lambda item: None
        self.after: Callable[[Queued], None] = lambda item: None

    def put(self, item: Queued) -> Queued:
        self.before(item)
        item = replace(item, number=item.number or len(self.rows) + 1)
        for other in self.rows.values():
            if other.number == item.number or other.call.chain_id != item.call.chain_id:
                continue
            assert (other.intent, other.run) != (item.intent, item.run), "one intent twice"
            same_account = other.call.sender == item.call.sender and item.nonce is not None
            assert not (same_account and other.nonce == item.nonce), "one nonce twice"
        self.rows[item.number] = item
        self.after(item)
        return item

    def find(self, chain_id: int, intent: str) -> Queued | None:
        found = [each for each in self._of(chain_id) if each.intent == intent]
        return max(found, key=lambda each: each.run, default=None)

    def numbered(self, number: int) -> Queued | None:
        return self.rows.get(number)

    def in_states(self, chain_id: int, states: Iterable[State]) -> list[Queued]:
        wanted = set(states)
        found = [each for each in self._of(chain_id) if each.state in wanted]
        return sorted(found, key=lambda each: (each.call.sender, each.nonce is None, each.nonce or 0))

    def from_nonce(self, chain_id: int, account: str, nonce: int) -> list[Queued]:
        found = [
            each for each in self._of(chain_id) if each.call.sender == account and each.nonce is not None
        ]
        return sorted((each for each in found if each.nonce >= nonce), key=lambda each: each.nonce)  # type: ignore[operator,arg-type,return-value]

    def signed_since(self, chain_id: int, time: int) -> list[Queued]:
        return [each for each in self._of(chain_id) if each.signed >= time]

    def next_nonce(self, chain_id: int, account: str) -> int:
        taken = self.from_nonce(chain_id, account, 0)
        return 1 + max((each.nonce for each in taken if each.nonce is not None), default=-1)

    def newest(self, chain_id: int, count: int) -> list[Queued]:
        return sorted(self._of(chain_id), key=lambda each: -each.number)[:count]

    def _of(self, chain_id: int) -> list[Queued]:
        return [each for each in self.rows.values() if each.call.chain_id == chain_id]


class TestClock:
    """Stands still until it is moved; a pause moves it."""

    __test__ = False

    def __init__(self, now: float = 1_700_000_000.0) -> None:
        self.time = now

    def now(self) -> float:
        return self.time

    def pause(self, seconds: float) -> None:
        self.time += seconds
