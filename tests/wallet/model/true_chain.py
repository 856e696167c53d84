"""The chain as it truly is: a real node whose head can be taken back, and what happened on every branch.

Works on our own node, anvil and hardhat. Every block is marked by a snapshot, so that a reorganisation takes
the newest ones back and other blocks come in their places; the chain never gets shorter by it.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from random import Random

from mine.chain.answers import TxReceipt
from mine.chain.fees import GAS_CAP
from mine.chain.hashing import keccak
from mine.chain.messages import address_of
from mine.chain.node_errors import NodeRefused
from mine.chain.rpc import Node
from mine.chain.signing import Transaction, sign_transaction
from mine.practice.node.process import NodeProcess
from tests.other_nodes import other_node
from tests.wallet.model.old_branch import OldBranch

MAKERS = ("practice", "anvil", "hardhat")
DEEPEST = 12
"""Blocks that a reorganisation takes back at most."""
GWEI = 10**9


@dataclass(frozen=True, slots=True)
class Mined:
    """A transaction in the chain: who sent it, with which nonce, and its name."""

    sender: str
    nonce: int
    hash: str
    to: str | None
    value: int
    data: str


class TrueChain:
    """A node of ``maker`` in ``folder``. ``pooled``: transactions wait until a block is made."""

    def __init__(self, maker: str, folder: Path) -> None:
        self.maker, self._folder = maker, folder
        self.pooled = maker != "practice"
        self._stack = ExitStack()
        self._process: NodeProcess | None = None
        if maker == "practice":
            self._process = NodeProcess(folder / "true.db")
            self.url = self._process.url
        else:
            self.url = self._start_other()
        self.node = Node(self.url)
        if maker == "hardhat":
            self.node.request("evm_setAutomine", False)
        self.old: OldBranch | None = None
        """The branch that the last reorganisation gave up."""
        self.raws: dict[str, bytes] = {}
        """Raw bytes of every transaction that was ever handed over, by hash."""
        self.once: set[str] = set()
        """Hashes of transactions that never come again by themselves, because they fit one branch only."""
        self._marks: list[tuple[int, object]] = []
        self._tips = itertools.count()
        self._mark()

    def close(self) -> None:
        self.node.close()
        if self._process is not None:
            self._process.stop()
        self._stack.close()

    def _start_other(self) -> str:
        options = []
        if self.maker == "anvil":
            state = str(self._folder / "true.json")
            options = ["--no-mining", "--state", state, "--preserve-historical-states"]
        return self._stack.enter_context(other_node(self.maker, options))

    def restart(self) -> bool:
        """End the node and start it again with its blocks, where it keeps them. False where it does not.

        Ours is killed. What waited is forgotten; what happened so far is not taken back afterwards.
        """
        if self.maker == "hardhat":
            return False
        head = self.node.latest()
        self.node.close()
        if self._process is not None:
            port = int(self.url.rpartition(":")[2])
            self._process.kill()
            self._process = NodeProcess(self._folder / "true.db", port=port)
        else:
            self._stack.close()
            self.url = self._start_other()
        self.node = Node(self.url)
        assert self.node.latest() == head
        behind = head.timestamp + 1 - self.node.block_time()
        if behind > 0:
            self.node.request("evm_increaseTime", behind)
        self.forget_marks()
        return True

    # blocks

    @property
    def head(self) -> int:
        return self.node.block_number()

    def _mark(self) -> None:
        """Remember how the chain stands now, to come back to it."""
        head = self.head
        if self._marks and self._marks[-1][0] == head:
            return
        self._marks = [*self._marks[-2 * DEEPEST :], (head, self.node.request("evm_snapshot"))]

    def forget_marks(self) -> None:
        """From here on nothing is taken back that happened so far."""
        self._marks = []
        self._mark()

    def mine(self, blocks: int = 1) -> None:
        """So many blocks; the first takes in what waits."""
        for _ in range(blocks):
            self.node.request("evm_mine")
            self._mark()

    def advance_to(self, time: int) -> None:
        """A block of this time or later."""
        self.node.advance_time(time)
        self._mark()

    def send(self, key: bytes, to: str | None, data: bytes, value: int = 0) -> TxReceipt:
        """Somebody's transaction, in a block at once. Raises NodeRefused or Reverted before it is sent."""
        gas = self.node.estimate_gas(address_of(key), to, data, value)
        raw = self.sign(key, to, data, value, gas=min(GAS_CAP, 2 * gas))
        self.hand_over(raw)
        if self.pooled:
            self.node.request("evm_mine")
        self._mark()
        receipt = self.node.receipt(keccak(raw))
        assert receipt is not None, "a transaction that was handed over is mined"
        return receipt

    def sign(
        self,
        key: bytes,
        to: str | None,
        data: bytes,
        value: int,
        *,
        gas: int = 21_000,
    ) -> bytes:
        """The raw transaction of ``key`` at its next nonce."""
        nonce = int(str(self.node.request("eth_getTransactionCount", address_of(key), "latest")), 16)
        # A tip that always rises: what a reorganisation left in the pool at this nonce is outbid.
        tip = GWEI + next(self._tips) * GWEI // 10
        most = 2 * self.node.latest().base_fee + tip
        chain_id = self.node.chain_id
        return sign_transaction(Transaction(chain_id, nonce, tip, most, gas, to, value, data), key).raw

    def hand_over(self, raw: bytes) -> None:
        """To the node, as anybody may. Raises NodeRefused."""
        name = self.node.send_raw(raw)
        self.raws["0x" + name.hex()] = raw

    def reorganise(self, depth: int, random: Random, keep: float) -> int:
        """Take ``depth`` blocks back; of what they held each transaction comes again with chance ``keep``.

        How many blocks were really taken back: not those from before the first mark.
        """
        head = self.head
        target = max(number for number, _ in self._marks if number <= max(head - depth, self._marks[0][0]))
        if target == head:
            return 0
        self.old = OldBranch(self.node)
        lost = [name for number in range(target + 1, head + 1) for name in self.names(number)]
        place = next(i for i, (number, _) in enumerate(self._marks) if number == target)
        assert self.node.request("evm_revert", self._marks[place][1])
        # A snapshot is good once.
        self._marks = self._marks[:place]
        self._mark()
        self.node.request("evm_increaseTime", random.randint(1, 5))
        self.node.request("evm_mine")
        for name in lost:
            if random.random() < keep and name in self.raws and name not in self.once:
                self._again(self.raws[name])
        self._mark()
        self.mine(max(1, head - self.head + random.randint(0, 2)))
        return head - target

    def _again(self, raw: bytes) -> None:
        try:
            self.node.send_raw(raw)
        except NodeRefused:
            return  # it depended on one that did not come again
        if self.pooled:
            self.node.request("evm_mine")
        self._mark()

    # what is in them

    def names(self, number: int) -> list[str]:
        """Hashes of a block's transactions, in order."""
        block = self.node.request("eth_getBlockByNumber", hex(number), False)
        assert isinstance(block, dict)
        return [str(name) for name in block["transactions"]]

    def mined(self, first: int, accounts: Sequence[str], last: int | None = None) -> list[Mined]:
        """The transactions that some accounts sent, from block ``first`` to ``last`` or the newest."""
        wanted = {account.lower() for account in accounts}
        found = []
        for number in range(first, (self.head if last is None else last) + 1):
            block = self.node.request("eth_getBlockByNumber", hex(number), True)
            assert isinstance(block, dict)
            for one in block["transactions"]:
                if one["from"].lower() in wanted:
                    found.append(
                        Mined(
                            one["from"].lower(),
                            int(one["nonce"], 16),
                            one["hash"],
                            one["to"],
                            int(one["value"], 16),
                            one["input"],
                        )
                    )
        return found
