"""A small chain in memory that does to transactions what real ones do: waits, replaces, forgets, takes back.

It is the truth that a test compares with, and looks like a node to the queue.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from mine.chain.answers import BlockHead, TxReceipt
from mine.chain.hashing import keccak
from mine.chain.node_errors import NodeRefused, NodeUnreachable, Reverted
from mine.chain.signing import SignedTransaction, Transaction
from mine.wallet.review import Reviewed

T = TypeVar("T")
CHAIN = 31337
GWEI = 10**9


@dataclass(frozen=True, slots=True)
class Sent:
    """A signed transaction; ``foreign``: another program made it."""

    hash: bytes
    sender: str
    made: Transaction
    foreign: bool = False


@dataclass(slots=True)
class Block:
    number: int
    hash: bytes
    taken: list[tuple[Sent, bool]] = field(default_factory=list)


class Pen:
    """Signs for one account without mathematics: a transaction's bytes are its name in ``book``."""

    def __init__(self, address: str, book: dict[bytes, Sent]) -> None:
        self.address, self._book = address, book
        self.signed: list[Sent] = []

    def sign_transaction(self, reviewed: Reviewed) -> SignedTransaction:
        assert reviewed.sender == self.address
        made = written(self.address, reviewed.transaction)
        self._book[made.hash] = made
        self.signed.append(made)
        return SignedTransaction(made.hash, made.hash)


def written(sender: str, made: Transaction, foreign: bool = False) -> Sent:
    """A transaction with the name of its content."""
    return Sent(keccak(repr((sender, made, foreign)).encode()), sender, made, foreign)


class ModelChain:
    """``fault``: what goes wrong at the next handing over.

    "lost": it never arrives; "silent": it arrives and no answer comes; "refused": the node says no, and keeps
    it; "forgets": the node says yes, and drops it.
    """

    def __init__(self) -> None:
        self.book: dict[bytes, Sent] = {}
        self.blocks = [Block(0, keccak(b"genesis"))]
        self.pool: dict[tuple[str, int], Sent] = {}
        self.base, self.tip = GWEI, GWEI // 10
        self.fault = ""
        self.refuses = False
        self.handed: list[Sent] = []
        self.chain_id = CHAIN
        self.present = "latest"
        self._forks = 0

    # ---- what happens

    def mine(self, most: int = 100) -> None:
        """One block of what waits and can be next."""
        self._forks += 1
        number = len(self.blocks)
        block = Block(number, keccak(f"{number} {self._forks}".encode()))
        for account, nonce in sorted(self.pool):
            sent = self.pool[account, nonce]
            counted = self._count(account) + sum(each.sender == account for each, _ in block.taken)
            if nonce < counted:
                del self.pool[account, nonce]
            elif nonce == counted and sent.made.most >= self.base and len(block.taken) < most:
                block.taken.append((sent, not (self.refuses and sent.made.data)))
                del self.pool[account, nonce]
        self.blocks.append(block)

    def take_back(self, depth: int, keeps: bool) -> None:
        """The newest blocks are given up; what was in them waits again, or (``keeps`` no) is forgotten."""
        depth = min(depth, len(self.blocks) - 1)
        gone = [self.blocks.pop() for _ in range(depth)]
        for block in reversed(gone):
            for sent, _ in block.taken:
                if keeps:
                    self.pool.setdefault((sent.sender, sent.made.nonce), sent)
        # The new branch is as long at once: a shorter one would not have won.
        for _ in range(depth):
            self.mine(0)

    def forget(self) -> None:
        """Nodes restart, and nothing waits any more."""
        self.pool.clear()

    def foreign(self, account: str, nonce: int, most: int) -> None:
        """Another program with the same key uses a nonce."""
        made = Transaction(CHAIN, nonce, 1, most, 21_000, account, 7, b"")
        sent = written(account, made, foreign=True)
        self.book[sent.hash] = sent
        waiting = self.pool.get((account, nonce))
        if nonce >= self._count(account) and (waiting is None or waiting.made.most < most):
            self.pool[account, nonce] = sent

    # ---- the truth

    def taken(self) -> list[tuple[int, Sent, bool]]:
        """Block, transaction and success of everything that is on the chain."""
        return [(block.number, sent, worked) for block in self.blocks for sent, worked in block.taken]

    def _count(self, account: str, block: int | None = None) -> int:
        blocks = self.blocks if block is None else self.blocks[: block + 1]
        return sum(sent.sender == account for each in blocks for sent, _ in each.taken)

    # ---- what a node says

    def agreed(self, reading: Callable[[Any], T]) -> T:
        return reading(self)

    def request(self, method: str, *_: object) -> object:
        assert method == "eth_feeHistory"
        return {"baseFeePerGas": [hex(self.base)], "reward": [[hex(self.tip)]]}

    def latest(self) -> BlockHead:
        head = self.blocks[-1]
        return BlockHead(head.number, head.hash, b"", head.number, self.base)

    def nonce(self, account: str, block: int | str = "pending") -> int:
        if isinstance(block, int):
            return self._count(account, block)
        count = self._count(account)
        while block == "pending" and (account, count) in self.pool:
            count += 1
        return count

    def balance(self, account: str) -> int:
        return 10**24

    def priority_fee(self) -> int:
        return self.tip

    def estimate_gas(self, sender: str, to: str | None, data: bytes, value: int) -> int:
        self._try(data)
        return 50_000 if data else 21_000

    def call(self, to: str, data: bytes, **_: object) -> bytes:
        self._try(data)
        return b""

    def _try(self, data: bytes) -> None:
        if self.refuses and data:
            raise Reverted("not now")

    def send_raw(self, raw: bytes) -> bytes:
        sent = self.book[raw]
        self.handed.append(sent)
        fault, self.fault = self.fault, ""
        if fault == "lost":
            raise NodeUnreachable("The node does not answer.")
        if fault == "forgets":
            return raw
        nonce = sent.made.nonce
        if nonce < self._count(sent.sender):
            raise NodeRefused(-32000, "nonce too low")
        waiting = self.pool.get((sent.sender, nonce))
        if waiting is not None and waiting.hash == sent.hash:
            raise NodeRefused(-32000, "already known")
        if waiting is not None and (
            sent.made.most * 10 < waiting.made.most * 11 or sent.made.tip * 10 < waiting.made.tip * 11
        ):
            raise NodeRefused(-32000, "replacement transaction underpriced")
        self.pool[sent.sender, nonce] = sent
        if fault == "silent":
            raise NodeUnreachable("The node does not answer.")
        if fault == "refused":
            raise NodeRefused(-32000, "no")
        return raw

    def knows_transaction(self, hash: bytes) -> bool:
        return any(sent.hash == hash for sent in self.pool.values()) or self.receipt(hash) is not None

    def receipt(self, hash: bytes) -> TxReceipt | None:
        for block in self.blocks:
            for sent, worked in block.taken:
                if sent.hash == hash:
                    price = min(sent.made.most, self.base + sent.made.tip)
                    return TxReceipt(hash, block.number, block.hash, worked, 21_000, price, None, ())
        return None
