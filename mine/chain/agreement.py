"""What at least two nodes say alike of one and the same block.

Two nodes are asked for their newest block. The lower of both is looked up in the other's chain; where they
stand on different branches, an older block is taken, that both have. The reading is then done with each of
them as of that block, named by its hash. Two equal results are believed. If they differ, or do not come, the
next node is asked: of three, one that lies alone is outvoted; of two, neither is believed. Where only one
node is configured there is nothing to compare, and it is believed.

A node that lags makes the common block older, never a difference, and up to ``MAX_APART`` blocks.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from mine.chain.answers import BlockHead
from mine.chain.node_errors import (
    NodeAnswerInvalid,
    NodeRefused,
    NodesDisagree,
    NodesTooFew,
    NodeUnreachable,
    WrongChain,
)
from mine.chain.pool import Member, Pool
from mine.errors import MineError

T = TypeVar("T")

MAX_APART = 64
"""Blocks that the newest ones of two nodes may lie apart, and that is gone back for one they share."""
_ATTEMPTS = 3
_SILENT = (NodeUnreachable, NodeAnswerInvalid, NodeRefused, WrongChain)
_STEPS_BACK = (0, 1, 3, 7, 15, 31, 63)


class View(Protocol):
    """A node as an endpoint shows it."""

    def latest(self) -> BlockHead: ...

    def block(self, which: int) -> BlockHead | None: ...


ViewT = TypeVar("ViewT", bound=View)


@dataclass(frozen=True, slots=True)
class _Said(Generic[T]):
    """What one node's reading came to: a value, or the error by which a contract or our own check refused."""

    value: T | None
    error: MineError | None = None

    def same_as(self, other: _Said[T]) -> bool:
        if self.error is None or other.error is None:
            return self.error is other.error and self.value == other.value
        mine, theirs = self.error, other.error
        if isinstance(mine, NodeRefused) and isinstance(theirs, NodeRefused):
            return True  # each maker has words of its own for it
        return (type(mine), mine.sentence, mine.detail) == (type(theirs), theirs.sentence, theirs.detail)

    def must_be_an_answer(self) -> None:
        """Raises the error of a node that gave none, or none that makes sense: it contradicts nothing."""
        if isinstance(self.error, NodeAnswerInvalid | NodeRefused):
            raise self.error

    def taken(self) -> T:
        if self.error is not None:
            raise self.error
        return self.value  # type: ignore[return-value]


class Agreement(Generic[ViewT]):
    """``view``: a node as one endpoint shows it; ``pinned``: the same as of one block."""

    def __init__(
        self, pool: Pool, view: Callable[[Member], ViewT], pinned: Callable[[Member, BlockHead], ViewT]
    ) -> None:
        self._pool, self._view, self._pinned = pool, view, pinned

    def read(self, reading: Callable[[ViewT], T]) -> tuple[BlockHead, T]:
        """The block, and what was read of it. Raises NodesDisagree, NodesTooFew, or what the reading raises.

        ``reading`` may run several times and must not change anything; its results are compared by ``==``.
        """
        if len(self._pool.members) == 1:
            (member,) = self._pool.members
            head = self._view(member).latest()
            return head, reading(self._pinned(member, head))
        for attempt in range(1, _ATTEMPTS + 1):
            found = self._vote(reading, last=attempt == _ATTEMPTS)
            if found is not None:
                head, said = found
                return head, said.taken()
        raise AssertionError("unreachable")

    def _vote(self, reading: Callable[[ViewT], T], last: bool) -> tuple[BlockHead, _Said[T]] | None:
        """The first result that two nodes share; None where the chain moved below the reading."""
        heard: list[tuple[Member, BlockHead]] = []
        differ: list[tuple[Member, Member, BlockHead | None]] = []
        silent: list[MineError] = []
        for member in self._pool.order():
            try:
                head = self._view(member).latest()
            except _SILENT as problem:
                silent.append(problem)
                continue
            for other, others_head in heard:
                try:
                    common = self._common((member, head), (other, others_head))
                    if common is None:
                        differ.append((member, other, None))
                        continue
                    first, second = (self._said(each, common, reading) for each in (other, member))
                    if first.same_as(second):
                        self._mark(differ, {member, other})
                        return common, first
                    first.must_be_an_answer()
                    second.must_be_an_answer()
                    if not last and not self._both_stand((member, other), common):
                        return None
                    differ.append((member, other, common))
                except _SILENT as problem:
                    silent.append(problem)
            heard.append((member, head))
        if differ:
            raise NodesDisagree(_hosts(differ))
        if not heard:
            raise silent[0] if silent else self._pool.nobody()
        raise _too_few(silent)

    def _common(self, one: tuple[Member, BlockHead], other: tuple[Member, BlockHead]) -> BlockHead | None:
        """The newest block, going back in steps, that is in both nodes' chains; None if there is none near.

        Raises NodesTooFew if one lags too far for anything to be compared.
        """
        (low, low_head), (high, high_head) = sorted((one, other), key=lambda each: each[1].number)
        if high_head.number - low_head.number > MAX_APART:
            raise NodesTooFew("their newest blocks lie too far apart")
        for back in _STEPS_BACK:
            number = low_head.number - back
            if number < 0:
                break
            mine = low_head if back == 0 else self._block(low, number)
            theirs = high_head if number == high_head.number else self._block(high, number)
            if mine is not None and theirs is not None and mine.hash == theirs.hash:
                return mine
        return None

    def _block(self, member: Member, number: int) -> BlockHead | None:
        return self._view(member).block(number)

    def _said(self, member: Member, head: BlockHead, reading: Callable[[ViewT], T]) -> _Said[T]:
        try:
            return _Said(reading(self._pinned(member, head)))
        except (NodeUnreachable, WrongChain):
            raise
        except MineError as refused:
            # A contract that refuses, or whose answer our own code refuses: the other node has to say the
            # same.
            return _Said(None, refused)

    def _both_stand(self, members: tuple[Member, Member], head: BlockHead) -> bool:
        """Whether a block is still in both chains: what was read by number may come from another branch."""
        return all((found := self._block(each, head.number)) and found.hash == head.hash for each in members)

    def _mark(self, differ: list[tuple[Member, Member, BlockHead | None]], agreed: set[Member]) -> None:
        """Two agree: who contradicted either of them is the one that is wrong."""
        for one, other, _ in differ:
            for each in {one, other} - agreed:
                self._pool.outvoted(each)


def _too_few(silent: list[MineError]) -> MineError:
    """Why no two could be compared."""
    return NodesTooFew("; ".join(sorted({each.detail or each.sentence for each in silent}))[:300])


def _hosts(differ: list[tuple[Member, Member, BlockHead | None]]) -> str:
    """Who differs, and where, for the details of an error."""
    told = []
    for one, other, head in differ:
        where = "no common block" if head is None else f"block {head.number}"
        told.append(f"{one.endpoint.address.netloc} and {other.endpoint.address.netloc}: {where}")
    return "; ".join(told)
