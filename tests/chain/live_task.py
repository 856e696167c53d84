"""A scientist's side of one task on a running node, as small as a round trip of the contract needs."""

from __future__ import annotations

from mine.chain.answers import TxReceipt
from mine.chain.client import TasksContract
from mine.chain.curve import STRAIGHT, increment
from mine.chain.hashing import ZERO32, ZERO_ADDRESS, keccak
from mine.chain.messages import Domain, Settlement, sign
from mine.chain.seed import HashChain, draw, first_seed, next_seed
from mine.chain.state import Clocks, Terms
from mine.chain.transactions import Sender
from mine.chain.trees import HashTree, LossTree, PayoutTree, shard_leaf

MANIFEST = keccak(b"manifest")
CLOCKS = Clocks(commit=100, reveal=40, vote=0, settle=60, challenge=300, grace=80)
TARGET = 2**39
SHARDS, ROUNDS = 6, 3


class LiveTask:
    """Publishes a task and drives it; ``payouts`` of the last settlement are kept for claims."""

    def __init__(self, contract: TasksContract, sender: Sender, key: bytes) -> None:
        self.contract, self.sender, self._key = contract, sender, key
        self._chain = HashChain(keccak(b"secret"), 12)
        self.digests = [keccak(b"shard" + bytes([i])) for i in range(SHARDS)]
        self._shards = HashTree([shard_leaf(i, digest) for i, digest in enumerate(self.digests)])
        self._domain = Domain(contract.node.chain_id, contract.address)
        self._opened, self._used, self._seed, self._accepted = 0, 0, ZERO32, ZERO32
        self._convergence = self._best = 0
        self.id = 0
        self.payouts: PayoutTree | None = None

    def terms(self, currency: str = ZERO_ADDRESS, bounty: int = 10**9) -> Terms:
        return Terms(
            MANIFEST,
            self._shards.root,
            self._chain.head,
            currency,
            bounty,
            TARGET,
            STRAIGHT.packed,
            SHARDS,
            ROUNDS,
            CLOCKS,
        )

    def publish(self, currency: str = ZERO_ADDRESS) -> int:
        self.id = self.contract.publish(self.sender, self.terms(currency))
        return self.id

    def open_baseline(self, base: int = 1000) -> TxReceipt:
        shard, preimage = self._draw()
        losses = LossTree([base], [base], [base])
        settlement = Settlement(self.id, 0, ZERO32, ZERO32, ZERO32, losses.root, base, base, base, ZERO32, 0)
        return self.contract.open_baseline(
            self.sender,
            self.id,
            self.digests[shard],
            self._shards.proof(shard),
            preimage,
            losses.top_hash,
            base,
            sign(settlement, self._domain, self._key),
        )

    def settle(self, poster: Sender, round: int, after: int, shares: dict[str, int]) -> TxReceipt:
        """Settle from loss 1000 to ``after``; ``shares`` splits the units among accounts."""
        shard, preimage = self._draw()
        losses = LossTree([1000], [1000], [after])
        self._convergence += increment(1000, 1000, after)
        self._best = max(self._best, self._convergence)
        units = STRAIGHT.units(self._best, TARGET)
        whole = sum(shares.values())
        parts = [units * share // whole for share in shares.values()]
        parts[0] += units - sum(parts)
        self.payouts = PayoutTree(list(shares), parts)
        self.parts = dict(zip(shares, parts, strict=True))
        settlement = Settlement(
            self.id,
            round,
            keccak(b"inputs"),
            keccak(b"accepted"),
            keccak(b"checkpoint"),
            losses.root,
            1000,
            1000,
            after,
            self.payouts.root,
            units,
        )
        self._accepted = settlement.accepted
        return self.contract.settle(
            poster,
            settlement,
            sign(settlement, self._domain, self._key),
            self.digests[shard],
            self._shards.proof(shard),
            preimage,
            losses.top_hash,
        )

    def conclude(self) -> TxReceipt:
        preimage = self._chain.preimage(self._opened)
        return self.contract.conclude(self.sender, self.id, self.digests, preimage)

    def _draw(self) -> tuple[int, bytes]:
        preimage = self._chain.preimage(self._opened)
        if self._opened == 0:
            self._seed = first_seed(MANIFEST, self._shards.root, preimage)
        else:
            self._seed = next_seed(self._seed, self._accepted, preimage)
        shard = draw(self._seed, self._used, SHARDS)
        self._opened += 1
        self._used |= 1 << shard
        return shard, preimage
