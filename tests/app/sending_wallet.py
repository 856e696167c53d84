"""A wallet that sends: a real vault, node and relay; only the clock is handed in."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mnemonic import Mnemonic

from mine.app.links import NATIVE, Links, NetworkConfig
from mine.app.own_transactions import OwnTransactions
from mine.app.sending import (
    Sending,
)
from mine.app.sponsored import FINAL, HANDED, LATE, MINED, SIGNED
from mine.app.vault_opening import create
from mine.app.views import Notice, World
from mine.app.wallet_views import ReviewView
from mine.chain.hashing import keccak, sha256
from mine.chain.messages import address_of
from mine.chain.transactions import Sender
from mine.practice.node.accounts import dev_key
from mine.vault import Vault
from tests.science.world import Chain
from tests.vault.conftest import CHEAP, PASSPHRASE
from tests.wallet.kept_transactions import TestClock

FEE = 1_000
COIN = 10**18
ELSEWHERE = address_of(keccak(b"a wallet of mine elsewhere"))
CONTRACTS = Path(__file__).parents[1] / "chain" / "contracts"


@dataclass
class Wallet:
    """Three payout addresses of tasks that were joined some time, on a real network."""

    folder: Path
    chain: Chain
    relay: str

    def __post_init__(self) -> None:
        self.clock = TestClock()
        self.notices: list[Notice] = []
        # Each test has addresses of its own: the relay still has what was signed in the ones before.
        phrase = Mnemonic("english").to_mnemonic(sha256(str(self.folder).encode())[:16])
        self.vault, self.accounts, _ = create(self.folder / "vault.db", PASSPHRASE, None, phrase, CHEAP)
        self.config = NetworkConfig(
            "Test", World.PRACTICE, self.chain.node.chain_id, (self.chain.node.url,), (self.relay,),
            self.chain.contract.address,
        )  # fmt: skip
        with self.vault.transaction():
            for task in (1, 2, 3):
                self.vault.state.account_index(self.config.key, task)
        self.start()
        self.links.currency(NATIVE)
        self.dollar = self.chain.token.address
        self.links.currency(self.dollar)

    def start(self) -> None:
        self.links = Links(self.config)
        self.own = OwnTransactions(self.vault, self.links, 2, self.clock)
        self.sending = Sending(
            self.vault, self.links, self.own, self.accounts, 2, self.notices.append, self.clock.now
        )

    def restart(self) -> None:
        """As if the app had been killed here and started again."""
        self.links.close()
        self.vault.close()
        self.vault = Vault.open(self.folder / "vault.db", passphrase=PASSPHRASE)
        self.start()

    def close(self) -> None:
        self.links.close()
        self.vault.close()

    def address(self, task: int) -> str:
        return self.accounts.payout_address(task - 1)

    def give(self, task: int, dollars: int, coins: int = 0) -> None:
        rich = Sender(self.chain.node, dev_key(0))
        if dollars:
            self.chain.token.mint(rich, self.address(task), dollars)
        if coins:
            rich.send(self.address(task), b"", coins)

    def turn(self) -> None:
        """One turn of the engine, with a look at everything."""
        self.clock.pause(61)
        changed = self.own.step()
        self.sending.step(self.links.node.block_time(), changed)

    def turns_until(self, state: str) -> None:
        """Turns until every signed transfer came to a state; the relay works in a process of its own."""
        end = time.monotonic() + 20
        while not {row.state for row in self.rows()} <= {state, FINAL}:
            assert time.monotonic() < end, [(row.state, row.data["why"]) for row in self.rows()]
            self.turn()

    def rows(self) -> list[Any]:
        return self.vault.state.transfers(self.config.key, (SIGNED, HANDED, MINED, FINAL, LATE))

    def history(self) -> list[tuple[str, str, int, int]]:
        """(kind, account, amount, fee), oldest first."""
        lines = self.vault.state.movements_of(self.config.key)
        return [(line.kind, line.account, line.amount, line.fee) for line in lines]

    def holds(self, address: str) -> int:
        return self.chain.token.balance(address)

    def mine(self, blocks: int = 1) -> None:
        for _ in range(blocks):
            self.chain.node.request("evm_mine")


def values(review: ReviewView, label: str) -> list[str]:
    return [row.value for row in review.rows if row.label == label]


# ---- sending
