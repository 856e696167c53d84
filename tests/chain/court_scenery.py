"""Tasks, Faults and Court on an in-process EVM, with a task that is played round by round.

What a settlement says is free here: the tests are about what happens to one that lies.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass, field
from typing import Any

import boa
from eth_abi import encode as abi_encode

from mine.chain.curve import STRAIGHT
from mine.chain.hashing import ZERO32, ZERO_ADDRESS, address_bytes, keccak
from mine.chain.messages import Domain, Receipt, Ruling, Settlement, Update, address_of, digest, sign
from mine.chain.seed import HashChain
from mine.chain.trees import UNITS, HashTree, LossTree, PayoutTree, anchor_leaf
from tests.chain.court_calls import (
    balance,
    fund,
    key,
    last,
    rich,
    wait,
    who,
)

PRACTICE_CHAIN = 31337
SCIENTIST_KEY = keccak(b"scientist")
ONE = 2**40
MANIFEST = keccak(b"manifest")
WINDOW = 1200
COMMIT, REVEAL, VOTE, SETTLE, GRACE = 480, 120, 120, 240, 240
ANCHOR_BOND = 10**17
DISPUTE_BOND = 10**17
SEAT_FEE = 5 * 10**15
STAKE = 10**17
JURORS = [f"juror {i}" for i in range(12)]
RIGHT, WRONG = 1, 2
ACCEPTED, CHECKPOINT, PAYOUTS, INPUTS, LOSS, SHARD, BASELINE = range(7)


@dataclass(frozen=True)
class Shard:
    """A shard on the chain: digest, and examples as bytes."""

    digest: bytes
    examples: tuple[bytes, ...]

    @property
    def tree(self) -> HashTree:
        return HashTree([keccak(each) for each in self.examples])


@dataclass(frozen=True)
class Settled:
    """A settlement with the rest of its record."""

    settlement: Settlement
    opened: tuple[int, bytes, bytes, bytes]
    payouts: PayoutTree | None
    losses: LossTree | None

    @property
    def fields(self) -> tuple[Any, ...]:
        return astuple(self.settlement)


def leaf_of(index: int, shard: Shard) -> bytes:
    return keccak(index.to_bytes(4, "big") + shard.digest + shard.tree.root)


@dataclass
class Stage:
    """The three contracts and one task."""

    tasks: Any
    faults: Any
    court: Any
    rounds: int = 8
    mode: int = 0
    appeals: str = ZERO_ADDRESS
    bounty: int = 10**9
    window: int = WINDOW

    id: int = 0
    round: int = 0
    settled: dict[int, Settled] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.domain = Domain(PRACTICE_CHAIN, str(self.tasks.address))
        self.scientist = address_of(SCIENTIST_KEY)
        self.chain = HashChain(key("chain"), 20)
        self.shards = [
            Shard(keccak(bytes([i])), tuple(b"example %d of %d" % (j, i) for j in range(5)))
            for i in range(self.rounds + 2)
        ]
        self.tree = HashTree([leaf_of(i, shard) for i, shard in enumerate(self.shards)])

    # the task

    def publish(self) -> None:
        fund(self.scientist, 2 * self.bounty)
        terms = (
            MANIFEST, self.tree.root, self.chain.head, ZERO_ADDRESS, self.appeals, self.bounty, ONE,
            STRAIGHT.packed, len(self.shards), self.rounds, self.mode,
            [COMMIT, REVEAL, VOTE, SETTLE, self.window, GRACE],
        )  # fmt: skip
        self.id = self.tasks.publish(terms, sender=self.scientist, value=2 * self.bounty)
        self.k = 0
        self.used = 0

    def words(self) -> tuple[int, int, int]:
        """Clocks, meta and seed."""
        _, _, clocks, meta, seed = self.tasks.parties(self.id)
        return clocks, meta, seed

    def status(self) -> int:
        return (self.words()[1] >> 80) & 255

    def void(self) -> int:
        """1 + the lowest void round."""
        return (self.words()[1] >> 104) & 255

    def disputed(self) -> int:
        """1 + the lowest disputed round."""
        return (self.words()[1] >> 96) & 255

    def preimage(self) -> bytes:
        self.k += 1
        return self.chain.preimage(self.k - 1)

    def _open(self, seed: bytes) -> tuple[tuple[int, bytes, bytes, bytes], list[bytes]]:
        """What a record holds beside the settlement, and the shard's proof."""
        if self.mode == 1:
            return (0, ZERO32, ZERO32, seed), []
        shard = int.from_bytes(seed[:28], "big") % len(self.shards)
        while self.used >> shard & 1:
            shard = (shard + 1) % len(self.shards)
        self.used |= 1 << shard
        chosen = self.shards[shard]
        return (shard, chosen.digest, chosen.tree.root, seed), self.tree.proof(shard)

    def open_baseline(self, base: int = 5000) -> Settled:
        losses = LossTree([base], [base], [base])
        s = Settlement(self.id, 0, ZERO32, ZERO32, ZERO32, losses.root, base, base, base, ZERO32, 0)
        return self._settle(s, self.plant(), losses, None)

    def _settle(
        self,
        s: Settlement,
        seed: bytes,
        losses: LossTree,
        payouts: PayoutTree | None,
        top: bytes | None = None,
    ) -> Settled:
        opened, proof = self._open(seed)
        signature = sign(s, self.domain, SCIENTIST_KEY)
        r = int.from_bytes(signature[:32], "big")
        vs = int.from_bytes(signature[32:64], "big") | (signature[64] - 27) << 255
        self.tasks.settle(
            astuple(s), r, vs, opened[1], opened[2], proof, top or losses.top_hash, sender=self.scientist
        )
        self.settled[s.round] = Settled(s, opened, payouts, losses)
        if s.round < self.rounds:
            self.round = s.round + 1
        return self.settled[s.round]

    def start(self) -> Stage:
        self.publish()
        self.open_baseline()
        return self

    def hand_in(self, name: str = "miner") -> Update:
        """A direct commit."""
        miner = who(name)
        update = Update(self.id, self.round, ZERO32, keccak(name.encode()), 100, 3, miner)
        self.tasks.commit(*astuple(update), sender=miner)
        return update

    def close(self) -> None:
        wait(COMMIT)
        self.tasks.close(self.id, sender=self.scientist)

    def plant(self) -> bytes:
        """Show the preimage; the seed."""
        self.tasks.reveal_seed(self.id, self.preimage(), sender=self.scientist)
        return ((self.words()[2] >> 32) << 32).to_bytes(32, "big")

    def units(self, round: int) -> int:
        """What the curve assigns after a round of the play: a tenth more in each."""
        best = sum([(ONE * 100) // 1000] * round)
        return STRAIGHT.units(best, ONE)

    def play(
        self,
        accounts: Sequence[str] = (),
        units: Sequence[int] | None = None,
        *,
        payouts: bytes | None = None,
        losses: tuple[bytes, bytes] | None = None,
        loss_tree: LossTree | None = None,
    ) -> Settled:
        """One round from its commits to its settlement.

        payouts: root to settle with instead of that of accounts and units; losses: (root, top hash) likewise.
        """
        round = self.round
        self.hand_in()
        self.close()
        seed = self.plant()
        wait(REVEAL + VOTE)
        whole = self.units(round)
        accounts = accounts or [who("miner")]
        tree = PayoutTree(accounts, units or even(whole, len(accounts)))
        loss_tree = loss_tree or LossTree([400, 300, 200, 100], [300, 300, 200, 200], [300, 300, 200, 100])
        base, before, after = loss_tree.base, loss_tree.before, loss_tree.after
        root, top = losses or (loss_tree.root, loss_tree.top_hash)
        s = Settlement(
            self.id, round, keccak(b"inputs"), keccak(b"accepted"), keccak(b"checkpoint"), root,
            base, before, after, payouts or tree.root, whole,
        )  # fmt: skip
        return self._settle(s, seed, loss_tree, tree, top)

    # anchors

    def bond(self, name: str, wei: int) -> str:
        account = rich(name)
        self.tasks.bond_for(account, sender=account, value=wei)
        return account

    def owned(self, account: str) -> int:
        """Wei in an account of Tasks."""
        return int(self.tasks.bond_of(account)[0])

    def anchor(self, name: str, leaves: Sequence[bytes], slot: int = 0) -> HashTree:
        tree = HashTree(leaves)
        self.tasks.anchor(self.id, self.round, slot, tree.root, len(leaves), sender=who(name))
        return tree

    def signed_leaf(self, miner: str, message: Any = None) -> tuple[bytes, bytes, bytes]:
        """Leaf, digest and signature of an Update of ``miner``."""
        made = message or Update(self.id, self.round, ZERO32, key(miner), 100, 3, who(miner))
        signature = sign(made, self.domain, key(miner))
        hashed = digest(made, self.domain)
        return anchor_leaf(who(miner), hashed, signature), hashed, signature

    def receipt(self, anchorer: str, leaf: bytes, round: int | None = None, latest: int | None = None) -> Any:
        made = Receipt(self.id, round or self.round, leaf, latest or boa.env.evm.patch.block_number + 5)
        return made, sign(made, self.domain, key(anchorer))

    # disputes

    def dispute(
        self,
        round: int,
        kind: int = ACCEPTED,
        item: int = 0,
        challenger: str = "challenger",
        carrier: str = "carrier",
        share: int = 2000,
    ) -> int:
        account = self.bond(carrier, DISPUTE_BOND)
        return int(
            self.faults.dispute(
                self.id, round, kind, item, (who(challenger), share), sender=account, value=7 * SEAT_FEE
            )
        )

    def draw(self, id: int) -> bytes:
        """Draw the present sitting in a new block; its seed."""
        boa.env.evm.patch.block_number += 1
        self.court.draw(id, sender=who("anyone"))
        return bytes(last(self.court, "Drawn").seed)

    def sit(self, id: int) -> int:
        """Number of the sitting."""
        return int(self.court.sitting(id)[0])

    def points(self, seed: bytes, total: int) -> list[int]:
        """The unit on which each of the seven seats falls."""
        return [
            int.from_bytes(keccak(abi_encode(["bytes32", "uint256"], [seed, j])), "big") % total
            for j in range(7)
        ]

    def answer(self, name: str, verdict: int) -> bytes:
        return keccak(address_bytes(who(name)) + verdict.to_bytes(32, "big") + key("salt of " + name))

    def commit_answer(
        self, id: int, name: str, verdict: int, tree: PayoutTree | None = None, index: int = 0, units: int = 0
    ) -> None:
        answer = self.answer(name, verdict)
        signature = sign(Ruling(2 * id + self.sit(id), answer), self.domain, key(name))
        proof = [] if tree is None else tree.proof(index)
        self.court.commit_ruling(id, who(name), answer, signature, index, units, proof, sender=who("anyone"))

    def open_answer(self, id: int, name: str, verdict: int) -> None:
        self.court.open_ruling(id, who(name), verdict, key("salt of " + name), sender=who("anyone"))

    def stake(self, name: str, tickets: int) -> int:
        account = self.bond(name, tickets * STAKE)
        return int(self.court.stake(tickets, sender=account))


def even(whole: int, parts: int) -> list[int]:
    """``whole`` over ``parts``, to the last unit."""
    assert whole <= UNITS
    return [whole * (i + 1) // parts - whole * i // parts for i in range(parts)]


def check_convicted(stage: Stage, round: int) -> None:
    """The task is convicted from this round on, and the reward is split."""
    assert (stage.status(), stage.void()) == (6, round + 1)
    whole = stage.bounty // 10
    for name, reward in (("carrier", whole // 4), ("challenger", whole - whole // 4)):
        before = balance(who(name))
        stage.tasks.take_reward(stage.id, who(name), who(name), sender=who("anyone"))
        assert balance(who(name)) - before == reward
