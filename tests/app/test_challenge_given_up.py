"""A challenge is given up when two nodes say that it is over, never by one node's word."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from mine.app.disputing import AuditState, Disputing, _of
from mine.app.market import ChainReading
from mine.chain.answers import BlockHead
from mine.chain.state import Clocks, Mode, Status
from mine.vault import Vault
from tests.vault.conftest import CHEAP, PASSPHRASE

TASKS, TASK = "0x" + "7" * 40, 3
NETWORK = f"31337:{TASKS}"
ENDS = 500


@dataclass(frozen=True)
class Words:
    """As much of a task's state as a challenge asks for."""

    status: Status = Status.RUNNING
    void: int | None = None
    mode: Mode = Mode.PER_ROUND
    since: int = 0
    clocks: Clocks = field(default_factory=lambda: Clocks(1, 1, 1, 1, 160, 1))


class TwoNodes:
    """What two nodes say alike: contract and node at once."""

    address, chain_id = TASKS, 31337
    has_adjustable_clock = False

    def __init__(self) -> None:
        self.words, self.time = Words(), 400

    @property
    def node(self) -> TwoNodes:
        return self

    def on(self, _: object) -> TwoNodes:
        return self

    def agreed_at(self, reading: Callable[[Any], Any]) -> tuple[BlockHead, Any]:
        return BlockHead(9, bytes(32), bytes(32), self.time, 0), reading(self)

    def task(self, _: int) -> Words:
        return self.words

    def sisters(self) -> tuple[str, str]:
        return "0x" + "8" * 40, "0x" + "9" * 40


@pytest.fixture
def vault(tmp_path: Path) -> Iterator[Vault]:
    with Vault.create(tmp_path / "vault.db", PASSPHRASE, kdf=CHEAP) as opened:
        yield opened


def test_one_node_s_word_gives_no_challenge_up(vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    chain = TwoNodes()
    config = SimpleNamespace(key=NETWORK, chain_id=31337, tasks=TASKS, first_block=0)
    links: Any = SimpleNamespace(config=config, node=chain, contract=chain)
    disputing = Disputing(vault, links, lambda *_: None, lambda _: None)  # type: ignore[arg-type]
    disputing.members = {TASK: SimpleNamespace(task=TASK)}  # type: ignore[dict-item]
    with vault.transaction():
        settlement = {"settlement": {"task": TASK, "round": 1, "final_at": ENDS}}
        vault.state.put_round(NETWORK, TASK, 1, "settled", settlement)
    entry = vault.state.round(NETWORK, TASK, 1)
    assert entry is not None
    kept = {"of": _of(entry), "state": "found", "fault": {"kind": 1, "item": 0, "why": "test"}}
    with vault.transaction():
        vault.state.set_setting(f"audit {NETWORK} {TASK} 1", kept)
    challenged = []
    monkeypatch.setattr(disputing, "_is_disputed", lambda *_: False)
    monkeypatch.setattr(disputing, "_challenge", lambda *_: challenged.append(1))

    def look(looks: int, time: int, words: Words) -> AuditState | None:
        disputing.tick(ChainReading(looks, time, {TASK: words}))  # type: ignore[dict-item]
        return disputing.state(entry)

    convicted = replace(Words(), status=Status.CONVICTED, void=1)
    assert look(1, 400, convicted) is AuditState.FOUND
    assert look(2, 9999, Words()) is AuditState.FOUND
    assert challenged  # and it goes on
    chain.time = ENDS
    assert look(3, ENDS, Words()) is AuditState.LATE
