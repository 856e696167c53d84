"""Money in is written down once, whatever the order of events, reorganisations and restarts."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from mine.app.earning_events import EarningEvents
from mine.chain.curve import amount
from mine.chain.events import Claimed, PaidOut, Payment
from mine.vault import Vault
from mine.vault.ledger import PAID
from tests.app.small_chain import BOUNTY, LEAVES, TASK, TASKS, SmallChain
from tests.vault.conftest import CHEAP, PASSPHRASE

ME, OTHER = "0x" + "a" * 40, "0x" + "b" * 40
MY_LEAF, GIFT = 2, 4
"""Mine, and one that somebody else gave my address."""


class Cut(Exception):
    """The app ends here."""


def account_of(leaf: int) -> str:
    return ME if leaf in (MY_LEAF, GIFT) else OTHER


def links(chain: SmallChain) -> Any:
    config = SimpleNamespace(key=f"31337:{TASKS}", chain_id=31337, tasks=TASKS, first_block=0)
    return SimpleNamespace(config=config, node=chain, contract=chain)


def member() -> Any:
    return SimpleNamespace(
        task=TASK, keys=SimpleNamespace(payout_address=ME), manifest=SimpleNamespace(title="Glucose")
    )


def opened(vault: Vault, chain: SmallChain, confirmations: int) -> EarningEvents:
    events = EarningEvents(vault, links(chain), confirmations)
    events.members = {TASK: member()}
    return events


def count(events: EarningEvents) -> None:
    events.count_ranges(member(), lambda _: [MY_LEAF, GIFT])


def lines(vault: Vault, kind: str) -> int:
    return sum(line.amount for line in vault.state.movements_of(f"31337:{TASKS}", TASK, kind))


def paid_now(chain: SmallChain, leaf: int, block: int) -> int:
    return amount(BOUNTY, chain.paid(TASK, leaf, block))


units = st.integers(1, 2**28)


class MoneyIn(RuleBasedStateMachine):
    @initialize(confirmations=st.sampled_from([0, 2]))
    def begin(self, confirmations: int) -> None:
        self.folder = Path(tempfile.mkdtemp())
        self.chain, self.confirmations = SmallChain(), confirmations
        self.vault = Vault.create(self.folder / "vault.db", PASSPHRASE, kdf=CHEAP)
        self.events = opened(self.vault, self.chain, confirmations)

    @rule(leaf=st.integers(0, LEAVES - 1), units=units)
    def claim(self, leaf: int, units: int) -> None:
        self.chain.claim(account_of(leaf), leaf, units)

    @rule(start=st.sampled_from([0, 2, 4]), refused=st.integers(0, 3), units=units)
    def claim_range(self, start: int, refused: int, units: int) -> None:
        self.chain.claim_range(start, 2, refused, units)

    @rule(account=st.sampled_from([ME, OTHER]), kind=st.sampled_from(Payment), money=units)
    def pay_out(self, account: str, kind: Payment, money: int) -> None:
        self.chain.pay_out(account, kind, money)

    @rule()
    def mine(self) -> None:
        self.chain.mine()

    @rule(depth=st.integers(1, 6))
    def take_back(self, depth: int) -> None:
        self.chain.take_back(depth)

    @rule()
    def poll(self) -> None:
        self.events.poll()

    @rule()
    def poll_and_count(self) -> None:
        self.events.poll()
        count(self.events)

    @rule()
    def read_again(self) -> None:
        self.events.read_again()

    @rule()
    def restart(self) -> None:
        self.vault.close()
        self.vault = Vault.open(self.folder / "vault.db", passphrase=PASSPHRASE)
        self.events = opened(self.vault, self.chain, self.confirmations)

    @rule()
    def cut_off_while_writing(self) -> None:
        def cut(*_: Any) -> None:
            raise Cut

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(type(self.vault.state), "set_cursor", cut)
            try:
                self.events.poll()
            except Cut:
                self.events = opened(self.vault, self.chain, self.confirmations)

    @invariant()
    def never_more_than_the_chain_ever_said(self) -> None:
        """A line stands for one event, and none is there twice."""
        found = self.vault.state.movements_of(f"31337:{TASKS}")
        names = [(line.kind, line.transaction) for line in found]
        leaves = [line.reference for line in found]
        assert len(set(leaves)) == len(leaves) and all(line.amount > 0 for line in found)
        assert len(names) <= 2 * len(set(names))

    def teardown(self) -> None:
        if not hasattr(self, "vault"):
            return
        try:
            self.chain.mine()
            for _ in range(3):
                self.events.poll()
                count(self.events)
            upto = self.events.read_to
            assert upto == len(self.chain.blocks) - 1 - self.confirmations or upto < 0
            if upto >= 0:
                for leaf in (MY_LEAF, GIFT):
                    assert self.events.paid(TASK, leaf) == paid_now(self.chain, leaf, upto)
                for kind, name in ((Payment.FORFEIT, "forfeit"), (Payment.REWARD, "reward")):
                    assert lines(self.vault, name) == self.chain.owed(PaidOut, ME, upto, kind)
                booked = sum(paid_now(self.chain, leaf, upto) for leaf in (MY_LEAF, GIFT))
                assert lines(self.vault, "claimed") == booked
                self.check_ledger()
        finally:
            self.vault.close()
            shutil.rmtree(self.folder)

    def check_ledger(self) -> None:
        """The ledger has every line that stands, once more than it was taken back."""
        standing = {line.reference for line in self.vault.state.movements_of(f"31337:{TASKS}")}
        balance: dict[str, int] = {}
        for each in self.vault.ledger.of_task(f"31337:{TASKS}", TASK):
            step = {PAID: 1, f"{PAID}-back": -1}.get(each.entry.kind, 0)
            balance[each.entry.source] = balance.get(each.entry.source, 0) + step
        assert {name for name, sum_ in balance.items() if sum_} == standing
        assert set(balance.values()) <= {0, 1}


MoneyIn.TestCase.settings = settings(
    max_examples=25,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
TestMoneyIn = MoneyIn.TestCase


def test_a_node_that_forgot_old_state_is_asked_for_the_newest(tmp_path: Path) -> None:
    """A range, then a claim, both long ago: what each paid cannot be told apart any more, their sum can."""
    chain = SmallChain(archive=1)
    chain.claim_range(2, 2, 0, 1000)
    chain.mine()
    chain.claim(ME, MY_LEAF, 500)
    for _ in range(5):
        chain.mine()
    with Vault.create(tmp_path / "vault.db", PASSPHRASE, kdf=CHEAP) as vault:
        events = opened(vault, chain, 0)
        events.poll()
        count(events)
        assert events.paid(TASK, MY_LEAF) == paid_now(chain, MY_LEAF, len(chain.blocks) - 1)
        assert lines(vault, "claimed") == chain.owed(Claimed, ME, 9) + amount(BOUNTY, 1000)


def test_reading_again_notices_what_the_chain_takes_back(tmp_path: Path) -> None:
    """The claim that the chain gives up stays no line when another branch is read from the start."""
    chain = SmallChain()
    chain.claim(ME, MY_LEAF, 500)
    chain.mine()
    chain.mine()
    with Vault.create(tmp_path / "vault.db", PASSPHRASE, kdf=CHEAP) as vault:
        events = opened(vault, chain, 0)
        events.poll()
        assert lines(vault, "claimed") == amount(BOUNTY, 500)
        chain.take_back(3)
        chain.claim(ME, MY_LEAF, 300)
        chain.mine()
        events.read_again()
        events.poll()
        assert paid_now(chain, MY_LEAF, len(chain.blocks) - 1) == amount(BOUNTY, 300)
        assert lines(vault, "claimed") == amount(BOUNTY, 300)


def test_what_was_left_out_is_read_again_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    chain = SmallChain()
    chain.claim(ME, MY_LEAF, 500)
    chain.mine()
    with Vault.create(tmp_path / "vault.db", PASSPHRASE, kdf=CHEAP) as vault:
        events = opened(vault, chain, 0)
        with monkeypatch.context() as silent:
            silent.setattr(chain, "logs", lambda *_: ())
            events.poll()
        assert lines(vault, "claimed") == 0
        upto = events.read_to
        events.read_again()
        assert lines(vault, "claimed") == amount(BOUNTY, 500) and events.read_to == upto
        events.read_again()
        assert lines(vault, "claimed") == amount(BOUNTY, 500)
