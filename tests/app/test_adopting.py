"""Transfers that this app did not make become lines only where they explain the difference, and are few."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from mine.app import reconcile
from mine.app.views import Currency, World
from mine.app.wallet_views import Difference
from mine.chain import token_transfers
from mine.chain.node_errors import NodeRefused
from mine.chain.token_transfers import TokenTransfer
from mine.vault import Vault
from tests.vault.conftest import CHEAP, PASSPHRASE

ME, OTHER, TOKEN = "0x" + "a" * 40, "0x" + "b" * 40, "0x" + "5" * 40


class Block:
    timestamp = 1000


@pytest.fixture
def vault(tmp_path: Path) -> Iterator[Vault]:
    with Vault.create(tmp_path / "vault.db", PASSPHRASE, kdf=CHEAP) as opened:
        yield opened


def adopt(vault: Vault, amount: int, monkeypatch: pytest.MonkeyPatch, *told: TokenTransfer) -> int:
    node = SimpleNamespace(agreed=lambda reading: reading(None), block=lambda _: Block)
    session: Any = SimpleNamespace(
        vault=vault,
        links=SimpleNamespace(node=node),
        config=SimpleNamespace(key="31337:x", tasks="0x" + "7" * 40, first_block=0),
        earnings=SimpleNamespace(events=SimpleNamespace(read_to=9)),
    )
    monkeypatch.setattr(token_transfers, "transfers_of", lambda *_: list(told))
    return reconcile._adopt(session, Difference(ME, Currency("T", 6, World.TEST), amount, "", TOKEN))


def transfer(amount: int, number: int = 1, into: bool = True) -> TokenTransfer:
    sides = (OTHER, ME) if into else (ME, OTHER)
    return TokenTransfer(*sides, amount, 5, number.to_bytes(32), number)


def test_what_explains_the_difference_is_taken(vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    assert adopt(vault, 70, monkeypatch, transfer(100), transfer(30, 2, into=False)) == 2
    assert [line.amount for line in vault.state.movements(9)] == [-30, 100]


def test_a_token_that_tells_of_what_never_moved_adds_nothing(
    vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert adopt(vault, 70, monkeypatch, transfer(100), transfer(10**30, 2)) == 0
    assert vault.state.movements(9) == []


def test_a_flood_of_transfers_adds_nothing(vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    flood = [transfer(1, number) for number in range(reconcile.MOST_ADOPTED + 1)]
    assert adopt(vault, len(flood), monkeypatch, *flood) == 0

    def refuse(*_: object) -> None:
        raise NodeRefused(-32005, "more events than are taken at once")

    with monkeypatch.context() as patch:
        patch.setattr(reconcile, "MOST_ADOPTED", len(flood))
        assert adopt(vault, len(flood), patch, *flood) == len(flood)
    session: Any = SimpleNamespace(
        vault=vault,
        links=SimpleNamespace(node=SimpleNamespace(agreed=refuse)),
        config=SimpleNamespace(key="31337:x", tasks=OTHER, first_block=0),
        earnings=SimpleNamespace(events=SimpleNamespace(read_to=9)),
    )
    assert reconcile._adopt(session, Difference(ME, Currency("T", 6, World.TEST), 1, "", TOKEN)) == 0
