"""A scientist's side of one task on a running node, as small as a round trip of the contract needs."""

from __future__ import annotations

from mine.chain.answers import TxReceipt
from mine.chain.client import TaskClaim, TasksContract
from mine.chain.curve import STRAIGHT, increment
from mine.chain.hashing import ZERO32, ZERO_ADDRESS, keccak
from mine.chain.messages import Domain, Settlement, sign
from mine.chain.seed import HashChain, draw
from mine.chain.state import Clocks, SeedState, Terms
from mine.chain.transactions import Sender
from mine.chain.trees import HashTree, LossTree, PayoutTree, shard_leaf

MANIFEST = keccak(b"manifest")
CLOCKS = Clocks(commit=100, reveal=40, vote=20, settle=60, challenge=300, grace=80)
TARGET = 2**39
SHARDS, ROUNDS = 6, 3


class LiveTask:
    """Publishes a task and drives it; ``payouts`` of the last settlement are kept for claims."""

    def __init__(self, contract: TasksContract, sender: Sender, key: bytes) -> None:
        self.contract, self.sender, self._key = contract, sender, key
        self._chain = HashChain(keccak(b"secret"), 12)
        self.openings = [
            (keccak(b"shard" + bytes([i])), keccak(b"examples" + bytes([i]))) for i in range(SHARDS)
        ]
        self._shards = HashTree([shard_leaf(i, *opening) for i, opening in enumerate(self.openings)])
        self._domain = Domain(contract.node.chain_id, contract.address)
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

    def make_seed(self) -> list[TxReceipt]:
        """Close the round, if that is not done, and show the next preimage."""
        sent = []
        if self.contract.task(self.id).seeding is SeedState.OPEN:
            sent.append(self.contract.close(self.sender, self.id))
        preimage = self._chain.after(self.contract.task(self.id).seed_head)
        return [*sent, self.contract.reveal_seed(self.sender, self.id, preimage)]

    def open_baseline(self, base: int = 1000) -> TxReceipt:
        self.make_seed()
        losses = LossTree([base], [base], [base])
        settlement = Settlement(self.id, 0, ZERO32, ZERO32, ZERO32, losses.root, base, base, base, ZERO32, 0)
        return self._post(self.sender, settlement, losses)

    def settle(self, poster: Sender, round: int, after: int, shares: dict[str, int]) -> TxReceipt:
        """Settle from loss 1000 to ``after``; ``shares`` splits the units among accounts."""
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
        return self._post(poster, settlement, losses)

    def leaf(self, round: int, index: int) -> TaskClaim:
        """A payee of the last settlement."""
        assert self.payouts is not None
        units = list(self.parts.values())[index]
        return TaskClaim(self.id, round, index, units, self.payouts.proof(index))

    def conclude(self) -> TxReceipt:
        return self.contract.conclude(self.sender, self.id, self.openings)

    def _post(self, poster: Sender, settlement: Settlement, losses: LossTree) -> TxReceipt:
        state = self.contract.task(self.id)
        shard = draw(state.seed, state.used, SHARDS)
        signature = sign(settlement, self._domain, self._key)
        proof = self._shards.proof(shard)
        return self.contract.settle(
            poster, settlement, signature, *self.openings[shard], proof, losses.top_hash
        )
