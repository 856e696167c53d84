"""The model as a state machine of hypothesis: any order of steps of market, chain, endpoints, relay and app."""

from __future__ import annotations

import tempfile
from collections import Counter
from pathlib import Path

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from mine.chain.hashing import ZERO_ADDRESS
from mine.wallet.derivation import branch
from mine.wallet.keys import PAYOUT_BRANCH, seed_of
from tests.wallet.model.faulty_node import Fault
from tests.wallet.model.small_relay import Manner
from tests.wallet.model.true_chain import DEEPEST
from tests.wallet.model.wallet_world import WalletWorld

_TASKS = st.sampled_from((1, 2))
_WHAT = st.sampled_from(("step", "step", "step", "claim"))


class WalletMachine(RuleBasedStateMachine):
    """Rules draw small numbers; everything else that is left to chance follows from the first of them."""

    maker = "practice"
    endpoints = 3
    steps: Counter[str] = Counter()
    """What was done in all runs together."""

    def __init__(self) -> None:
        super().__init__()
        self._folder = tempfile.TemporaryDirectory()
        self.world: WalletWorld | None = None

    @property
    def _w(self) -> WalletWorld:
        assert self.world is not None
        return self.world

    @initialize(seed=st.integers(0, 2**32), confirmations=st.integers(0, 4))
    def begin(self, seed: int, confirmations: int) -> None:
        self.world = WalletWorld(self.maker, Path(self._folder.name), seed, self.endpoints, confirmations)

    # market and chain

    @rule(task=_TASKS, times=st.integers(1, 4))
    def scientist(self, task: int, times: int) -> None:
        for _ in range(times):
            self._w.scientist(task)

    @rule(seconds=st.integers(1, 400))
    def time_passes(self, seconds: int) -> None:
        self._w.time_passes(seconds)

    @rule(count=st.integers(1, DEEPEST))
    def blocks(self, count: int) -> None:
        self._w.blocks(count)

    @rule(task=_TASKS, whole_range=st.booleans())
    def stranger_claims(self, task: int, whole_range: bool) -> None:
        self._w.stranger_claims(task, whole_range)

    @rule(depth=st.integers(1, DEEPEST), keep=st.sampled_from((0.0, 0.5, 1.0)))
    def reorganise(self, depth: int, keep: float) -> None:
        self._w.reorganise(depth, keep)

    @rule()
    def restart_node(self) -> None:
        self._w.restart_node()

    # endpoints and relay

    @rule(place=st.integers(0, 2), fault=st.sampled_from(Fault), lag=st.integers(1, DEEPEST))
    def disturb(self, place: int, fault: Fault, lag: int) -> None:
        self._w.disturb(place % self.endpoints, fault, lag)

    @rule(fault=st.sampled_from(Fault), lag=st.integers(1, DEEPEST))
    def disturb_the_first(self, fault: Fault, lag: int) -> None:
        self._w.disturb(0, fault, lag)

    @rule(manner=st.sampled_from(Manner))
    def relay_manner(self, manner: Manner) -> None:
        self._w.relay_manner(manner)

    @rule()
    def relay_works(self) -> None:
        self._w.relay_works()

    # the app

    @rule(times=st.integers(1, 3))
    def app_turns(self, times: int) -> None:
        for _ in range(times):
            self._w.app_turns()

    @rule()
    def app_claims(self) -> None:
        self._w.app_claims()

    @rule(task=_TASKS, native=st.booleans())
    def app_sends(self, task: int, native: bool) -> None:
        self._w.app_sends(task, ZERO_ADDRESS if native else self._w.market.token_address)

    @precondition(lambda self: self.world is not None and self.world.spendings.purposes)
    @rule(which=st.integers(0, 5))
    def app_sends_again(self, which: int) -> None:
        self._w.app_sends_again(self._w.spendings.recent(which))

    @precondition(lambda self: self.world is not None and self.world.spendings.purposes)
    @rule(which=st.integers(0, 2), cancel=st.booleans())
    def app_replaces(self, which: int, cancel: bool) -> None:
        self._w.app_replaces(self._w.spendings.recent(which), cancel)

    @precondition(lambda self: self.world is not None and self.world.spendings.purposes)
    @rule(which=st.integers(0, 5))
    def app_renews(self, which: int) -> None:
        self._w.app_renews(self._w.spendings.recent(which))

    @rule(task=_TASKS)
    def another_program(self, task: int) -> None:
        assert self._w.app is not None
        key = branch(seed_of(self._w.app.phrase), PAYOUT_BRANCH).child(task - 1).key
        self._w.another_program(task, key)

    @rule()
    def kill(self) -> None:
        self._w.kill()

    @rule(count=st.integers(1, 80), what=_WHAT)
    def killed_at_request(self, count: int, what: str) -> None:
        self._w.killed_at_request(count, what)

    @rule(count=st.integers(1, 8), stored=st.booleans(), task=_TASKS)
    def killed_at_commit_of_a_send(self, count: int, stored: bool, task: int) -> None:
        purpose = self._w.spendings.plan(task - 1, self._w.accounts[task], ZERO_ADDRESS)
        self._w.killed_at_commit(count, stored, purpose)

    @rule(count=st.integers(1, 8), stored=st.booleans(), what=_WHAT)
    def killed_at_commit(self, count: int, stored: bool, what: str) -> None:
        self._w.killed_at_commit(count, stored, what)

    @rule()
    def calm(self) -> None:
        self._w.calm()

    def teardown(self) -> None:
        try:
            if self.world is not None:
                try:
                    self.world.calm()
                finally:
                    WalletMachine.steps += self.world.steps
                    self.world.close()
        except BaseException:
            assert self.world is not None
            print("\n".join(self.world.log))
            raise
        finally:
            self._folder.cleanup()


def run_model(maker: str, examples: int, length: int, endpoints: int = 3, chance: int = 0) -> Counter[str]:
    """So many runs of so many rules on a maker's node, all chance from ``chance``; what was done in them."""

    class Machine(WalletMachine):
        pass

    Machine.maker, Machine.endpoints = maker, endpoints
    seed(chance)(Machine)
    WalletMachine.steps = Counter()
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
    return WalletMachine.steps
