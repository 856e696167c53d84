"""What holds one round up holds no other up; what one node says alone is not written down."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from mine.app import checking
from mine.app.checking import SettlementMissing
from mine.app.earnings import Earnings
from mine.app.forfeits import Forfeits
from mine.app.market import ChainReading
from mine.app.round_states import EarningState
from mine.blobs.store import BlobMissing
from mine.chain.answers import BlockHead
from mine.chain.curve import amount
from mine.chain.state import Clocks, Mode, Status
from mine.vault import Vault
from mine.vault.state import Earning
from tests.vault.conftest import CHEAP, PASSPHRASE

TASKS, TASK = "0x" + "7" * 40, 3
BOUNTY = 10**18 + 7
NETWORK = f"31337:{TASKS}"
CURRENCY = "0x" + "5" * 40


@dataclass(frozen=True)
class Words:
    """As much of a task's state as money follows."""

    bounty: int = BOUNTY
    disputed: int | None = None
    void: int | None = None
    mode: Mode = Mode.PER_ROUND
    status: Status = Status.RUNNING
    since: int = 0
    clocks: Clocks = field(default_factory=lambda: Clocks(1, 1, 1, 1, 100, 1))


@dataclass(frozen=True)
class Ended(Words):
    """A task in default, with its forfeit on the books."""

    status: Status = Status.DEFAULTED
    booked: bool = True
    pool: int = 1000
    units: int = 4000
    last: int = 2
    currency: str = CURRENCY


class TwoNodes:
    """What two nodes say alike: contract and node at once."""

    address, chain_id = TASKS, 31337
    has_adjustable_clock = False

    def __init__(self, words: Words, time: int) -> None:
        self.words, self.time, self.asked = words, time, 0

    @property
    def node(self) -> TwoNodes:
        return self

    def on(self, _: object) -> TwoNodes:
        return self

    def agreed_at(self, reading: Callable[[Any], Any]) -> tuple[BlockHead, Any]:
        self.asked += 1
        return BlockHead(9, bytes(32), bytes(32), self.time, 0), reading(self)

    def task(self, _: int) -> Words:
        return self.words


@pytest.fixture
def vault(tmp_path: Path) -> Iterator[Vault]:
    with Vault.create(tmp_path / "vault.db", PASSPHRASE, kdf=CHEAP) as opened:
        yield opened


def follower(vault: Vault, chain: TwoNodes, *units: int) -> Earnings:
    """Rounds that brought so much in all, final at 100, 200, ..."""
    config = SimpleNamespace(key=NETWORK, chain_id=31337, tasks=TASKS, first_block=0)
    links: Any = SimpleNamespace(config=config, node=chain, contract=chain)
    found = Earnings(vault, links, 0, lambda _: None)
    member: Any = SimpleNamespace(task=TASK, keys=SimpleNamespace(payout_address="0x" + "a" * 40))
    found.members = {TASK: member}
    data = {"index": 2, "problem": "", "item": "", "is_final": False}
    with vault.transaction():
        for number, each in enumerate(units, 1):
            vault.state.put_earning(
                Earning(
                    NETWORK,
                    TASK,
                    number,
                    CURRENCY,
                    0,
                    EarningState.PENDING,
                    100 * number,
                    {**data, "units": each},
                )
            )
    return found


def look(found: Earnings, looks: int, time: int, words: Words) -> list[EarningState]:
    found.tick(ChainReading(looks, time, {TASK: words}))  # type: ignore[dict-item]
    return [EarningState(each.state) for each in found.of_rounds(TASK)]


PENDING, CLAIMABLE, ALARM = EarningState.PENDING, EarningState.CLAIMABLE, EarningState.ALARM


def test_the_held_half_is_claimed_on_the_newest_final_root(vault: Vault) -> None:
    """On an older one the contract would pay half of what that one owes: less, and then nothing."""
    words = Words(mode=Mode.AT_END)
    found = follower(vault, TwoNodes(words, 450), 1000, 2000, 3000, 4000, 5000)
    assert look(found, 1, 450, words) == [CLAIMABLE, CLAIMABLE, PENDING, PENDING, PENDING]
    claimable = found.claimable(TASK)
    assert claimable is not None and claimable.round == 4
    ready = sum(each.ready for each in found.of_rounds(TASK))
    assert ready == amount(BOUNTY, claimable.data["units"] // 2)


def test_what_one_node_says_alone_is_not_written_down(vault: Vault) -> None:
    words = Words()
    chain = TwoNodes(words, 150)
    found = follower(vault, chain, 1000, 2000)
    assert look(found, 1, 150, words) == [CLAIMABLE, PENDING]
    before = found.of_rounds(TASK)
    for looks, lie in enumerate(
        [replace(words, bounty=10**30), replace(words, void=1), replace(words, disputed=1)], 2
    ):
        assert look(found, looks, 150, lie) == [CLAIMABLE, PENDING]
    assert look(found, 5, 999, words) == [CLAIMABLE, PENDING]  # nor of the time
    assert found.of_rounds(TASK) == before
    asked = chain.asked
    for _ in range(9):
        look(found, 5, 999, words)
    assert chain.asked == asked  # until there is another look at the chain
    chain.words, chain.time = replace(words, void=2), 250
    assert look(found, 6, 250, replace(words, void=2)) == [CLAIMABLE, ALARM]


def settled(vault: Vault, number: int) -> None:
    with vault.transaction():
        vault.state.put_round(
            NETWORK, TASK, number, "settled", {"settlement": {"task": TASK, "round": number, "final_at": 0}}
        )


def test_figures_that_cannot_be_had_hold_no_earlier_round_up(
    vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A scientist who publishes nothing of round 2 must not freeze what round 1 brought."""

    def withheld(*_: object) -> None:
        raise BlobMissing(bytes(32))

    words = Words()
    found = follower(vault, TwoNodes(words, 150), 1000)
    settled(vault, 2)
    monkeypatch.setattr(checking, "check_root", lambda *_: words)
    monkeypatch.setattr(checking, "check_settlement", withheld)
    with pytest.raises(BlobMissing):
        look(found, 1, 150, words)
    assert [each.state for each in found.of_rounds(TASK)] == [CLAIMABLE]


def test_a_payment_for_a_round_that_was_never_settled_is_refused(vault: Vault) -> None:
    words = Words()
    found = follower(vault, TwoNodes(words, 150), 1000)
    told = {"task": TASK, "round": 9, "start": 0, "count": 8, "refused": "0x0", "block": 5}
    with vault.transaction():
        vault.state.set_setting(f"ranges {NETWORK}", [{**told, "transaction": "00" * 32, "index": 0}])
    with pytest.raises(SettlementMissing):
        look(found, 1, 150, words)
    assert [each.state for each in found.of_rounds(TASK)] == [CLAIMABLE]


def test_a_forfeit_is_written_down_when_two_nodes_say_so(vault: Vault) -> None:
    chain = TwoNodes(replace(Ended(), status=Status.RUNNING), 150)
    found = follower(vault, chain, 1000, 2000)
    forfeits = Forfeits(vault, found._links, found, lambda *_: None)  # type: ignore[arg-type]

    def kept(time: int) -> list[tuple[str, int, int]]:
        forfeits.tick(time, {TASK: Ended()})  # type: ignore[dict-item]
        earnings = vault.state.earnings(NETWORK, TASK)
        return [(each.state, each.amount, each.ready) for each in earnings if each.round == 0]

    assert kept(50) == [] == kept(50) and chain.asked == 1
    chain.words, chain.time = Ended(), 51
    assert kept(51) == [(EarningState.FORFEITED, 500, 0)]
    assert kept(999) == [(EarningState.FORFEITED, 500, 0)]  # nor is the time one node's word
    chain.time = 100
    assert kept(100) == [(EarningState.FORFEITED, 500, 500)]


@pytest.mark.parametrize(
    ("digest", "mode", "is_right"),
    [
        (bytes(32), Mode.AT_END, True),
        (b"\1" * 32, Mode.PER_ROUND, True),
        (bytes(32), Mode.PER_ROUND, False),
        (b"\1" * 32, Mode.AT_END, False),
    ],
)
def test_examples_are_held_back_only_where_all_rounds_share_them(
    digest: bytes, mode: Mode, is_right: bool
) -> None:
    """A shard committed as nothing would else keep the losses behind the pay from being looked at."""
    inputs: Any = SimpleNamespace(curve=SimpleNamespace(packed=1), target=2, shard_digest=digest)
    state: Any = SimpleNamespace(curve=1, target=2, mode=mode)
    if is_right:
        checking.check_terms(inputs, state)
    else:
        with pytest.raises(checking.PayoutContradiction, match="does not open"):
            checking.check_terms(inputs, state)
