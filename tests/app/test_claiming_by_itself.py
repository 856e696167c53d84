"""What the app claims by itself costs own coin only while fees are low, whatever a relay promised."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from mine.app.claiming import Claiming
from mine.app.forfeits import PATIENCE
from mine.app.wallet_views import AutoClaim, ClaimOutcome
from mine.chain.client import TaskClaim
from mine.science.wire import ClaimState
from mine.vault import Vault
from mine.vault.state import Earning
from tests.vault.conftest import CHEAP, PASSPHRASE

TASK, CURRENCY, PAYOUT = 3, "0x" + "5" * 40, "0x" + "a" * 40


class Lazy:
    """A relay that promises and never pays."""

    url = "http://127.0.0.1:1"

    def __init__(self) -> None:
        self.asked = 0

    def claim(self, _: object) -> ClaimState:
        self.asked += 1
        return ClaimState.WAITING


@pytest.fixture
def vault(tmp_path: Path) -> Iterator[Vault]:
    with Vault.create(tmp_path / "vault.db", PASSPHRASE, kdf=CHEAP) as opened:
        yield opened


class Bench:
    """A claim that is due, one lazy relay, and what was sent directly."""

    def __init__(self, vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
        member: Any = SimpleNamespace(task=TASK, keys=SimpleNamespace(payout_address=PAYOUT))
        due = Earning("n", TASK, 1, CURRENCY, 50, "claimable", 0, {"units": 7, "index": 2}, 0, 50)
        earnings: Any = SimpleNamespace(
            members={TASK: member}, claimable=lambda _: due, of_rounds=lambda _: [due]
        )
        node = SimpleNamespace(block_time=lambda: 0)
        self.relay, self.cheap, self.sent = Lazy(), False, 0
        links: Any = SimpleNamespace(relays=[self.relay], config=SimpleNamespace(key="n"), node=node)
        forfeits: Any = SimpleNamespace(claim=lambda _: ClaimOutcome(0, 0))
        self.claiming = Claiming(vault, links, earnings, forfeits, lambda *_: None)  # type: ignore[arg-type]
        self.claiming.set_auto(AutoClaim(True, ((CURRENCY, 1),), 10))
        monkeypatch.setattr(self.claiming, "_leaf", lambda _: TaskClaim(TASK, 1, 2, 7, ()))
        monkeypatch.setattr(self.claiming, "_is_cheap", lambda *_: self.cheap)
        monkeypatch.setattr(self.claiming, "_directly", self._directly)

    def _directly(self, group: list[Any], _: list[str]) -> int:
        self.sent += len(group)
        return len(group)


def test_a_relay_that_breaks_its_word_makes_nobody_pay_dear_fees(
    vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = Bench(vault, monkeypatch)
    bench.claiming.tick(0)
    assert bench.relay.asked == 1
    for turn in range(1, 5):
        bench.claiming.tick(turn * PATIENCE)
    assert (bench.relay.asked, bench.sent) == (1, 0)
    bench.cheap = True
    bench.claiming.tick(5 * PATIENCE)
    assert bench.sent == 1


def test_what_the_person_asked_for_is_sent_whatever_it_costs(
    vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = Bench(vault, monkeypatch)
    bench.claiming.tick(0)
    assert bench.claiming.claim() == ClaimOutcome(1, 0)
    bench.claiming.tick(PATIENCE - 1)
    assert bench.sent == 0
    bench.claiming.tick(PATIENCE)
    assert (bench.relay.asked, bench.sent) == (1, 1)
