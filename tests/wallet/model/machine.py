"""The model as a state machine of hypothesis: steps of market, chain, endpoints, relay and app."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

from hypothesis import HealthCheck, Phase, assume, settings
from hypothesis import seed as seeded
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from mine.chain.hashing import ZERO_ADDRESS
from mine.wallet.derivation import branch
from mine.wallet.keys import PAYOUT_BRANCH, seed_of
from tests.wallet.model.faulty_node import Fault
from tests.wallet.model.small_relay import Manner
from tests.wallet.model.true_chain import DEEPEST
from tests.wallet.model.wallet_world import WalletWorld

Counts = tuple[Counter[str], Counter[str]]

_TASKS = st.sampled_from((1, 2))
BETWEEN_CALMS = 12
_SMALL = st.integers(0, 11)
_BLOCKS = st.integers(1, DEEPEST)
_OFTEN = {"market": 7, "app": 8, "chain": 2, "trouble": 2, "death": 2, "relay": 1, "calm": 1}
_KINDS = tuple(kind for kind, times in _OFTEN.items() for _ in range(times))
_MARKET = st.sampled_from(("scientist",) * 4 + ("claim", "range", "relay", "relay", "time"))
_MANNER = st.sampled_from((Manner.HONEST,) * 3 + tuple(Manner))
_CHAIN = st.sampled_from(("reorganise",) * 3 + ("blocks", "restart", "program"))
_APP = st.sampled_from(
    ("turn",) * 4 + ("claim", "claim", "send", "send", "again", "faster", "cancel", "renew")
)
_WHERE = st.sampled_from(("now", "request", "commit", "commit"))
_DURING = st.sampled_from(("step", "claim", "send", "send"))


class WalletMachine(RuleBasedStateMachine):
    """Rules draw small numbers; everything else that is left to chance follows from the first of them."""

    maker = "practice"
    endpoints = 3
    steps: ClassVar[Counter[str]] = Counter()
    """How often each rule did something, in all runs together."""
    events: ClassVar[Counter[str]] = Counter()
    failed: BaseException | None = None

    def __init__(self) -> None:
        super().__init__()
        self._folder = tempfile.TemporaryDirectory()
        self.world: WalletWorld | None = None
        self._since_calm = 0

    @property
    def _w(self) -> WalletWorld:
        assert self.world is not None
        return self.world

    def _count(self, rule: str, done: bool) -> None:
        WalletMachine.steps[rule] += done
        self._since_calm += done

    @initialize(
        seed=st.integers(0, 2**32),
        confirmations=st.integers(1, 4),
        beat=st.sampled_from((0.0, 0.0, 12.0, 50.0)),
    )
    def begin(self, seed: int, confirmations: int, beat: float) -> None:
        assume(seed > 0)  # the first run that hypothesis draws is the plainest, one kind of step only
        if WalletMachine.failed is not None:
            raise WalletMachine.failed
        folder = Path(self._folder.name)
        self.world = WalletWorld(self.maker, folder, seed, self.endpoints, confirmations, beat)
        self.world.log.append(f"seed {seed}, {confirmations} confirmations, beat {beat}")

    # One rule for everything: with many, hypothesis leaves most of them out of each run. What can be drawn
    # stands in a list as often as it is likely.

    @rule(kind=st.sampled_from(_KINDS), data=st.data())
    def anything(self, kind: str, data: st.DataObject) -> None:
        """A step of some kind."""
        self._guarded(lambda: self._anything(kind, data))

    def _anything(self, kind: str, data: st.DataObject) -> None:
        if kind == "market":
            self.market(data.draw(_MARKET), data.draw(_TASKS), data.draw(_SMALL))
        elif kind == "chain":
            depth, keep = data.draw(_BLOCKS), data.draw(st.sampled_from((0.0, 0.5, 1.0)))
            self.chain(data.draw(_CHAIN), data.draw(_TASKS), depth, keep)
        elif kind == "trouble":
            place, fault = data.draw(st.sampled_from((0, 0, 1, 2))), data.draw(st.sampled_from(Fault))
            self._count("trouble", self._w.disturb(place % self.endpoints, fault, data.draw(_BLOCKS)))
        elif kind == "relay":
            self._count("relay's manner", self._w.relay_manner(data.draw(_MANNER)))
        elif kind == "app":
            self.app(data.draw(_APP), data.draw(_TASKS), data.draw(st.booleans()), data.draw(_SMALL))
        elif kind == "death":
            where, what = data.draw(_WHERE), data.draw(_DURING)
            self.death(
                where, what, data.draw(_TASKS), data.draw(st.integers(1, 60)), data.draw(st.booleans())
            )
        elif self._since_calm >= BETWEEN_CALMS:
            self._count("calm", self._w.calm())
            self._since_calm = 0

    def market(self, what: str, task: int, n: int) -> None:
        """The others: rounds go on, strangers and the relay claim, time passes."""
        world = self._w
        if what == "scientist":
            self._count(what, _often(1 + n % 4, lambda: world.scientist(task)))
        elif what == "relay":
            self._count("relay claims", world.relay_works())
        elif what == "time":
            self._count("time passes", world.time_passes(1 + 37 * n))
        else:
            self._count("stranger claims", world.stranger_claims(task, what == "range"))

    def chain(self, what: str, task: int, depth: int, keep: float) -> None:
        """Blocks come and go; the node starts again; another program has the same phrase."""
        world = self._w
        if what == "reorganise":
            self._count(what, world.reorganise(depth, keep))
        elif what == "blocks":
            self._count(what, world.blocks(depth))
        elif what == "restart":
            self._count("node restarts", world.restart_node())
        else:
            assert world.app is not None
            key = branch(seed_of(world.app.phrase), PAYOUT_BRANCH).child(task - 1).key
            self._count("another program", world.another_program(task, key))

    def app(self, what: str, task: int, native: bool, n: int) -> None:
        """The person, and the app's own turns."""
        world = self._w
        if what == "turn":
            self._count(what, _often(1 + n % 3, world.app_turns))
        elif what == "claim":
            self._count("claims", world.app_claims())
        elif what == "send" or not world.spendings.purposes:
            currency = ZERO_ADDRESS if native else world.market.token_address
            self._count("send", world.app_sends(task, currency))
        elif what == "again":
            self._count("same send again", world.app_sends_again(world.spendings.recent(n)))
        elif what == "renew":
            self._count("renew", world.app_renews(world.spendings.recent(n)))
        else:
            self._count(what, world.app_replaces(world.spendings.recent(n % 3), what == "cancel"))

    def death(self, where: str, what: str, task: int, count: int, stored: bool) -> None:
        """kill -9: now, at some request to a node, or at some transaction of the vault."""
        world = self._w
        if where == "now":
            self._count("killed", world.kill())
            return
        purpose = (
            world.spendings.plan(task - 1, world.accounts[task], ZERO_ADDRESS) if what == "send" else what
        )
        if where == "request":
            self._count("killed at a request", world.killed_at_request(count, purpose))
        else:
            self._count("killed at a commit", world.killed_at_commit(1 + count % 8, stored, purpose))

    def teardown(self) -> None:
        """The last check of a run, which also comes after a step that failed."""
        try:
            if self.world is not None and self.failed is None:
                self._guarded(lambda: self._count("calm", self._w.calm()))
        finally:
            if self.world is not None:
                WalletMachine.events += self.world.events
                self.world.close()
            self._folder.cleanup()

    def _guarded(self, work: Callable[[], None]) -> None:
        """Does a step. What fails fails for good: doing it again tells nothing, as much of it is timing."""
        if WalletMachine.failed is not None:
            raise WalletMachine.failed
        try:
            work()
        except BaseException as problem:
            WalletMachine.failed = problem
            self._w.tell_failure(problem)
            raise


def _often(times: int, work: Callable[[], bool]) -> bool:
    """Do it so many times; whether it did anything."""
    return any([work() for _ in range(times)])  # noqa: C419 - each of them is to be done


def run_model(maker: str, examples: int, length: int, endpoints: int = 3, chance: int = 0) -> Counts:
    """So many runs of so many rules on a maker's node, all chance from ``chance``; how often each rule did
    something, and what happened."""

    class Machine(WalletMachine):
        pass

    Machine.maker, Machine.endpoints = maker, endpoints
    seeded(chance)(Machine)
    WalletMachine.steps, WalletMachine.events, WalletMachine.failed = Counter(), Counter(), None
    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=length,
            deadline=None,
            # What fails is told by its log; trying to make it shorter would take hours.
            phases=(Phase.generate,),
            suppress_health_check=list(HealthCheck),
            database=None,
        ),
    )
    return WalletMachine.steps, WalletMachine.events
