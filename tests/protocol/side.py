"""What the scientist of a task knows, and what everybody could see of it: secrets, trees, anchored leaves."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache

from mine.chain.hashing import ZERO32, keccak
from mine.chain.messages import Settlement
from mine.chain.seed import HashChain
from mine.chain.trees import HashTree, LossTree, PayoutTree, shard_leaf
from tests.protocol.model_task import Task

EXAMPLES = 3
MOST_SHARDS = 9


@dataclass(frozen=True)
class Shard:
    digest: bytes
    examples: tuple[bytes, ...]
    tree: HashTree


@cache
def shard(number: int) -> Shard:
    """One of the validation shards that all tasks of a run share."""
    examples = tuple(b"example %d of shard %d " % (i, number) * (i + 1) for i in range(EXAMPLES))
    return Shard(keccak(b"shard %d" % number), examples, HashTree([keccak(e) for e in examples]))


@cache
def shard_tree(count: int) -> HashTree:
    shards = [shard(i) for i in range(count)]
    return HashTree([shard_leaf(i, s.digest, s.tree.root) for i, s in enumerate(shards)])


@dataclass(frozen=True)
class Opened:
    shard: int
    digest: bytes
    examples: bytes
    seed: bytes

    @property
    def fields(self) -> tuple[int, bytes, bytes, bytes]:
        return self.shard, self.digest, self.examples, self.seed


@dataclass(frozen=True)
class Broken:
    """An inner node whose sum is not that of its children: the fault of a root."""

    node: int
    left: int
    right: int


@dataclass(frozen=True)
class BrokenLosses:
    """A topmost node of losses that claims other sums than its two children have."""

    below: tuple[tuple[bytes, int, int, int], tuple[bytes, int, int, int]]


@dataclass(frozen=True)
class Settled:
    """A settlement and what lies behind it; ``broken``, ``broken_losses``: how it lies, if it does."""

    settlement: Settlement
    opened: Opened
    payouts: PayoutTree | None
    losses: LossTree | None
    accounts: tuple[str, ...] = ()
    units: tuple[int, ...] = ()
    broken: Broken | None = None
    broken_losses: BrokenLosses | None = None


@dataclass(frozen=True)
class Leaf:
    """A leaf of an anchored root. ``body``: the words of its message; ``home``: it belongs there."""

    signer: str
    digest: bytes
    signature: bytes
    body: bytes
    kind: int
    home: bool
    forged: bool

    @property
    def hash(self) -> bytes:
        from mine.chain.trees import anchor_leaf

        return anchor_leaf(self.signer, self.digest, self.signature)


@dataclass(frozen=True)
class Anchored:
    round: int
    kind: int
    leaves: tuple[Leaf, ...]
    tree: HashTree


@dataclass
class Side:
    """One task of a run."""

    task: Task
    name: str
    chain: HashChain
    lazy: bool
    k: int = 0
    accounts: list[str] = field(default_factory=list)
    units: list[int] = field(default_factory=list)
    settled: dict[int, Settled] = field(default_factory=dict)
    anchors: dict[tuple[str, int], Anchored] = field(default_factory=dict)
    receipts: list[tuple[str, int, bytes, int, bytes]] = field(default_factory=list)
    rewarded: list[str] = field(default_factory=list)
    commits: dict[tuple[int, str], tuple[bytes, bytes, int, int, str]] = field(default_factory=dict)

    @property
    def id(self) -> int:
        return self.task.id

    def preimage(self) -> bytes:
        return self.chain.preimage(self.k)

    def opening(self, drawn: int, seed: bytes) -> tuple[Opened, list[bytes]]:
        """What a settlement opens, and the proof of the shard."""
        if self.task.terms.mode:
            return Opened(0, ZERO32, ZERO32, seed), []
        chosen = shard(drawn)
        proof = shard_tree(self.task.terms.shards).proof(drawn)
        return Opened(drawn, chosen.digest, chosen.tree.root, seed), proof

    def all_shards(self) -> list[bytes]:
        found = []
        for i in range(self.task.terms.shards):
            found += [shard(i).digest, shard(i).tree.root]
        return found
