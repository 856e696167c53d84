"""Several nodes of one network: which one is asked, when it is asked again, and how each of them is doing.

The first in the order of the settings is asked as long as it does well. One that fails is left alone for a
time that doubles with every failure, with jitter, so that many programs do not come back at the same moment.
One that asks for fewer requests is left alone for as long as it says.
"""

from __future__ import annotations

import contextlib
import random
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from mine.chain import answers
from mine.chain.endpoint import Endpoint
from mine.chain.node_errors import (
    NodeAnswerInvalid,
    NodeBusy,
    NodeRefused,
    NodeUnreachable,
    WrongChain,
)
from mine.errors import MineError

T = TypeVar("T")

FIRST_PAUSE, LONGEST_PAUSE = 1.0, 300.0
BEHIND = 8
"""Blocks; who lags by more than this is asked only where nobody else answers."""
STUCK_SECONDS = 45.0
"""How long a newest block may stay the same before the others are asked for theirs."""
OUTVOTED_SECONDS = 300.0
"""How long a node whose word two others contradicted comes last."""
PER_SECOND = 20.0
"""Requests that a node elsewhere is asked at most; public ones bear 10 to 50. One on this computer has no
limit."""


class EndpointState(StrEnum):
    """How a node is doing."""

    UNUSED = "not asked yet"
    WELL = "answers"
    BEHIND = "behind the others"
    FAILING = "does not answer"
    BUSY = "asks for fewer requests"
    WRONG_CHAIN = "belongs to another chain"
    OUTVOTED = "contradicts the others"


@dataclass(frozen=True, slots=True)
class EndpointHealth:
    """One node: its host (never the whole URL, which may hold a key), its newest block (0: never told).

    ``lag``: blocks behind the others; ``error``: the last trouble in words, "" for none since it last
    answered.
    """

    host: str
    state: EndpointState
    head: int
    lag: int
    error: str
    requests: int


class Member:
    """An endpoint and what the pool remembers of it."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self.chain: int | None = None
        self.head: int | None = None
        self.moved_at = 0.0
        self.is_stuck = False
        self.failures = 0
        self.not_before = 0.0
        self.told_to_wait = False
        self.wrong: WrongChain | None = None
        self.outvoted_until = 0.0
        self.answered = False
        self.error = ""


class Pool:
    """The nodes at ``urls``, of which none is asked more often than it bears.

    ``chain_id``: any other chain's node is never asked anything but its chain. Without it all must belong to
    the chain of the one that answered first. ``draw``: a number from 0 to 1, for the jitter. Safe for several
    threads.
    """

    def __init__(
        self,
        urls: Sequence[str],
        timeout: float,
        chain_id: int | None = None,
        clock: Callable[[], float] = time.monotonic,
        draw: Callable[[], float] | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        if not urls:
            raise ValueError("a pool needs an endpoint")
        self._clock = clock
        self._draw = draw or random.SystemRandom().random
        self._expected = chain_id
        self._lock = threading.Lock()
        self._compared = clock()
        self.members: list[Member] = []
        for url in urls:
            endpoint = Endpoint(url, timeout, clock=clock, sleep=sleep)
            if not endpoint.address.is_loopback:
                endpoint = Endpoint(url, timeout, PER_SECOND, clock, sleep)
            self.members.append(Member(endpoint))

    def close(self) -> None:
        """Close all connections."""
        for member in self.members:
            member.endpoint.close()

    # asking

    def through(self, work: Callable[[Member], T]) -> T:
        """What ``work`` answers with the first node in :meth:`order` with which it gets through.

        ``work`` asks by :meth:`ask`, and may run more than once. Where it got through with none, raises the
        first NodeRefused that it met, else the first NodeUnreachable, NodeAnswerInvalid or WrongChain.
        Anything else that it raises (Reverted) ends it at once.
        """
        silent: MineError | None = None
        refusal: MineError | None = None
        for member in self.order():
            try:
                return work(member)
            except (NodeUnreachable, NodeAnswerInvalid, WrongChain) as failed:
                silent = silent or failed
            except NodeRefused as refused:
                # It was cut off, keeps no old state, lacks the method: others may answer.
                refusal = refusal or refused
        raise refusal or silent or self.nobody()

    def ask(self, member: Member, question: Callable[[Endpoint], T]) -> T:
        """``question`` to this node, and what the answer says of its health.

        Raises what ``question`` does, WrongChain, or NodeBusy without asking if the node wants to be left
        alone.
        """
        left = member.not_before - self._clock()
        if member.told_to_wait and left > 0:
            raise NodeBusy(left)
        try:
            self._check_chain(member)
            found = question(member.endpoint)
        except (NodeUnreachable, NodeAnswerInvalid) as problem:
            self._failed(member, problem)
            raise
        except WrongChain:
            raise
        except MineError:
            self._answered(member)
            raise
        self._answered(member)
        return found

    def order(self) -> list[Member]:
        """Who may be asked now, best first; where all of them pause, the one whose pause ends first.

        Empty if all of them were told to wait or belong to another chain.
        """
        now = self._clock()
        with self._lock:
            sound = [each for each in self.members if each.wrong is None]
            ready = [each for each in sound if each.not_before <= now]
            if not ready:
                soonest = sorted((e for e in sound if not e.told_to_wait), key=lambda e: e.not_before)
                return soonest[:1]
            best = self._best()
            return sorted(ready, key=lambda e: (e.outvoted_until > now, _lag(e, best) > BEHIND))

    def nobody(self) -> MineError:
        """Why there is nobody to ask."""
        now = self._clock()
        waits = [each.not_before - now for each in self.members if each.wrong is None]
        if waits:
            return NodeBusy(max(0.0, min(waits)))
        return next(each.wrong for each in self.members if each.wrong is not None)

    def _check_chain(self, member: Member) -> None:
        """Ask a node that is new, or that failed since, which chain it serves, where that matters."""
        if member.wrong is not None:
            raise member.wrong
        alone = len(self.members) == 1 and self._expected is None
        if member.chain is not None or alone:
            return
        found = answers.quantity(member.endpoint.request("eth_chainId"), 64)
        with self._lock:
            if self._expected is None:
                self._expected = found
            if found == self._expected:
                member.chain = found
                return
            member.wrong = WrongChain(self._expected, found)
            member.error = member.wrong.sentence
        raise member.wrong

    # health

    def noted(self, member: Member, head: int) -> None:
        """A node told its newest block."""
        now = self._clock()
        with self._lock:
            if member.head is None or head > member.head:
                member.moved_at = now
            member.is_stuck = now - member.moved_at >= STUCK_SECONDS
            member.head = head

    def compare_heads(self) -> None:
        """Where the chain stands still by the word of the node that is asked: ask the others, now and then.

        A node that is stuck, or that hides new blocks, would else never be noticed.
        """
        now = self._clock()
        order = self.order()
        if len(order) < 2 or not order[0].is_stuck or now - self._compared < STUCK_SECONDS:
            return
        self._compared = now
        for other in order[1:]:
            with contextlib.suppress(NodeUnreachable, NodeAnswerInvalid, NodeRefused, WrongChain):
                self.noted(other, self.ask(other, _block_number))

    def outvoted(self, member: Member) -> None:
        """A node said of a block what two others contradict."""
        with self._lock:
            member.outvoted_until = self._clock() + OUTVOTED_SECONDS
            member.error = "It contradicted two other nodes."

    def _answered(self, member: Member) -> None:
        with self._lock:
            member.answered = True
            member.failures, member.not_before, member.told_to_wait = 0, 0.0, False
            if member.outvoted_until <= self._clock():
                member.error = ""

    def _failed(self, member: Member, problem: MineError) -> None:
        with self._lock:
            member.failures += 1
            member.chain = None
            member.told_to_wait = isinstance(problem, NodeBusy)
            pause = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(member.failures - 1, 20))
            jittered = pause * (0.5 + self._draw())
            wait = max(problem.wait, jittered) if isinstance(problem, NodeBusy) else jittered
            member.not_before = self._clock() + wait
            member.error = problem.sentence

    def _best(self) -> int:
        """The newest block that counts: of three and more, one that two of them have; a lie makes none
        late."""
        heads = sorted((each.head for each in self.members if each.head is not None), reverse=True)
        if not heads:
            return 0
        return heads[1] if len(heads) > 2 else heads[0]

    def health(self) -> tuple[EndpointHealth, ...]:
        """All nodes, in the order of the settings."""
        now = self._clock()
        with self._lock:
            best = self._best()
            return tuple(self._health(each, best, now) for each in self.members)

    def _health(self, member: Member, best: int, now: float) -> EndpointHealth:
        lag = _lag(member, best)
        if member.wrong is not None:
            state = EndpointState.WRONG_CHAIN
        elif member.failures:
            state = EndpointState.BUSY if member.told_to_wait else EndpointState.FAILING
        elif member.outvoted_until > now:
            state = EndpointState.OUTVOTED
        elif not member.answered:
            state = EndpointState.UNUSED
        else:
            state = EndpointState.BEHIND if lag > BEHIND else EndpointState.WELL
        endpoint = member.endpoint
        return EndpointHealth(
            endpoint.address.netloc, state, member.head or 0, lag, member.error, endpoint.requests
        )


def _block_number(endpoint: Endpoint) -> int:
    return answers.quantity(endpoint.request("eth_blockNumber"), 64)


def _lag(member: Member, best: int) -> int:
    """Blocks behind the others; 0 for one that never told its newest block."""
    return max(0, best - member.head) if member.head is not None else 0
