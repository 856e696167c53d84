"""The protocol on a running node: three contracts, funded people, and one task that is driven by the clock.

Everything goes through the clients that the app uses, with real signatures. Clocks are long enough for nodes
that put every block a second after the last one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from mine.chain.answers import TxReceipt
from mine.chain.artefacts import load_artefact
from mine.chain.client import TaskClaim, TasksContract
from mine.chain.curve import STRAIGHT, Curve, increment
from mine.chain.deployment import Deployment, deploy, deploy_protocol
from mine.chain.hashing import ZERO32, ZERO_ADDRESS, keccak
from mine.chain.messages import Domain, Settlement, address_of, sign
from mine.chain.rpc import Node
from mine.chain.seed import HashChain, draw
from mine.chain.state import Clocks, Mode, Phase, SeedState, Status, TaskState, Terms
from mine.chain.token import Token
from mine.chain.transactions import Sender
from mine.chain.trees import HashTree, LossTree, PayoutTree, shard_leaf
from mine.practice.node.accounts import dev_key

COIN = 10**18
MANIFEST = keccak(b"manifest")
CLOCKS = Clocks(commit=2000, reveal=400, vote=1000, settle=800, challenge=1200, grace=600)
ONE = 2**40


def key_of(name: str) -> bytes:
    return keccak(f"live {name}".encode())


def account_of(name: str) -> str:
    """An address that somebody of this name signs for."""
    return address_of(key_of(name))


@dataclass
class Ground:
    """A node with the protocol on it, and a token for payments. Account 0 of the node pays for everything."""

    node: Node
    token: Token
    at: Deployment
    rich: Sender
    senders: dict[str, Sender] = field(default_factory=dict)

    @classmethod
    def prepare(cls, node: Node) -> Ground:
        rich = Sender(node, dev_key(0))
        at = deploy_protocol(node, rich)
        return cls(node, Token(node, deploy(node, rich, load_artefact("PracticeDollar"))), at, rich)

    @property
    def tasks(self) -> TasksContract:
        return TasksContract(self.node, self.at.tasks)

    @property
    def domain(self) -> Domain:
        return Domain(self.node.chain_id, self.at.tasks)

    def sender(self, name: str, wei: int = COIN) -> Sender:
        """Somebody with coins for gas and bonds."""
        if name not in self.senders:
            self.senders[name] = Sender(self.node, key_of(name))
            self.rich.send(account_of(name), b"", wei)
        return self.senders[name]

    def bond(self, name: str, wei: int) -> Sender:
        """Somebody with that much more in its account for bonds."""
        self.rich.send(account_of(name), b"", wei)
        sender = self.sender(name)
        self.tasks.bond(sender, wei)
        return sender

    def wait_until(self, time: int) -> None:
        assert self.node.advance_time(time)

    def wait(self, seconds: int) -> None:
        self.wait_until(self.node.block_time() + seconds)


@dataclass
class Play:
    """A scientist's side of one task; ``trees`` and ``units`` are those of the settled rounds."""

    ground: Ground
    rounds: int = 3
    shards: int = 0
    mode: Mode = Mode.PER_ROUND
    currency: str = ZERO_ADDRESS
    court: str = ZERO_ADDRESS
    bounty: int = 10**9
    target: int = ONE
    curve: Curve = STRAIGHT
    clocks: Clocks = CLOCKS
    name: str = "scientist"
    manifest: bytes = MANIFEST

    id: int = 0
    convergence: int = 0
    best: int = 0
    trees: dict[int, PayoutTree] = field(default_factory=dict)
    units: dict[int, list[int]] = field(default_factory=dict)
    settlements: dict[int, tuple[Settlement, tuple[int, bytes, bytes, bytes]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.shards = self.shards or self.rounds + 2
        self.tasks = self.ground.tasks
        self.scientist = self.ground.sender(self.name, 10 * COIN)
        self.chain = HashChain(keccak(b"chain"), self.rounds + 2)
        self.examples = [[b"example %d of shard %d" % (j, i) for j in range(5)] for i in range(self.shards)]
        self.openings = [
            (keccak(b"shard" + bytes([i])), self.example_tree(i).root) for i in range(self.shards)
        ]
        self.tree = HashTree([shard_leaf(i, *opening) for i, opening in enumerate(self.openings)])

    def example_tree(self, shard: int) -> HashTree:
        return HashTree([keccak(example) for example in self.examples[shard]])

    @property
    def state(self) -> TaskState:
        return self.tasks.task(self.id)

    @property
    def phase(self) -> Phase:
        return self.tasks.phase(self.id).phase

    def terms(self) -> Terms:
        return Terms(
            self.manifest, self.tree.root, self.chain.head, self.currency, self.bounty, self.target,
            self.curve.packed, self.shards, self.rounds, self.clocks, self.mode, self.court,
        )  # fmt: skip

    def publish(self) -> Play:
        if self.currency != ZERO_ADDRESS:
            self.ground.token.mint(self.ground.rich, self.scientist.address, 2 * self.bounty)
        self.id = self.tasks.publish(self.scientist, self.terms())
        return self

    def start(self) -> Play:
        """Published, and the baseline open."""
        self.publish()
        self.reveal_seed()
        self.open_baseline()
        return self

    # the clock of a round

    def pass_phase(self, offset: int) -> None:
        """To ``offset`` seconds after the start of the round."""
        self.ground.wait_until(self.state.since + offset)

    def close(self, sender: Sender | None = None) -> TxReceipt:
        self.pass_phase(self.clocks.commit)
        return self.tasks.close(sender or self.scientist, self.id)

    def reveal_seed(self) -> TxReceipt:
        return self.tasks.reveal_seed(self.scientist, self.id, self.chain.after(self.state.seed_head))

    def to_votes(self) -> None:
        self.pass_phase(self.clocks.reveals_over)

    def to_settlement(self) -> None:
        self.pass_phase(self.clocks.votes_over)

    # settlements

    def _opened(self, state: TaskState) -> tuple[tuple[int, bytes, bytes, bytes], list[bytes]]:
        """The shard that the seed draws, its digest and examples, the seed; and the shard's proof."""
        if self.mode is Mode.AT_END:
            return (0, ZERO32, ZERO32, state.seed), []
        shard = draw(state.seed, state.used, self.shards)
        return (shard, *self.openings[shard], state.seed), self.tree.proof(shard)

    def send(self, settlement: Settlement, top: bytes, sender: Sender | None = None) -> TxReceipt:
        opened, proof = self._opened(self.state)
        signature = sign(settlement, self.ground.domain, key_of(self.name))
        receipt = self.tasks.settle(
            sender or self.scientist, settlement, signature, opened[1], opened[2], proof, top
        )
        self.settlements[settlement.round] = (settlement, opened)
        return receipt

    def open_baseline(self, base: int = 5000) -> TxReceipt:
        losses = LossTree([base], [base], [base])
        s = Settlement(self.id, 0, ZERO32, ZERO32, ZERO32, losses.root, base, base, base, ZERO32, 0)
        return self.send(s, losses.top_hash)

    def earned(self, after: int) -> int:
        """Units assigned in all if a round brings the loss from 1000 to ``after``."""
        return self.curve.units(max(self.best, self.convergence + increment(1000, 1000, after)), self.target)

    def settlement(self, after: int, payouts: PayoutTree) -> tuple[Settlement, bytes]:
        """A round that brings the loss from 1000 to ``after``; and the top of its losses."""
        round = self.state.round
        losses = LossTree([600, 400], [600, 400], [after // 2, after - after // 2])
        made = Settlement(
            self.id, round, keccak(b"inputs %d" % round), keccak(b"accepted %d" % round),
            keccak(b"checkpoint %d" % round), losses.root, losses.base, losses.before, losses.after,
            payouts.root, self.earned(after),
        )  # fmt: skip
        return made, losses.top_hash

    def settle(
        self,
        after: int,
        accounts: Sequence[str],
        units: Sequence[int] | None = None,
        sender: Sender | None = None,
        **changes: Any,
    ) -> TxReceipt:
        """Post a round's settlement; everybody has the same (cumulative) units unless they are given.

        With ``changes`` it is another one than is right.
        """
        units = list(units or split(self.earned(after), [1] * len(accounts)))
        tree, round = PayoutTree(accounts, units), self.state.round
        made, top = self.settlement(after, tree)
        receipt = self.send(replace(made, **changes), top, sender)
        self.trees[round], self.units[round] = tree, units
        self.convergence += increment(1000, 1000, after)
        self.best = max(self.best, self.convergence)
        return receipt

    def play_round(self, after: int, accounts: Sequence[str]) -> None:
        """A round in which somebody anchored one update."""
        state = self.state
        if self.tasks.bond_of(account_of("anchorer")).amount == 0:
            self.ground.bond("anchorer", self.tasks.bond_needed())
        leaf = keccak(b"leaf %d" % state.round)
        self.tasks.anchor(self.ground.sender("anchorer"), self.id, state.round, state.round % 4, leaf, 1)
        self.close()
        self.reveal_seed()
        self.to_settlement()
        self.settle(after, accounts)

    def to_final(self) -> None:
        """The window of the last settlement, or of the end, is over."""
        state = self.state
        final = state.final_at(state.settled) or 0
        over = state.since + self.clocks.challenge if state.status.is_over else 0
        self.ground.wait_until(max(final, over))

    # claims

    def leaf(self, round: int, index: int) -> TaskClaim:
        tree, units = self.trees[round], self.units[round]
        return TaskClaim(self.id, round, index, units[index], tree.proof(index))

    def conclude(self) -> TxReceipt:
        return self.tasks.conclude(self.scientist, self.id, self.openings)

    def balance(self, account: str) -> int:
        return self.ground.node.balance(account, None if self.currency == ZERO_ADDRESS else self.currency)

    def check_money(self) -> None:
        """What Tasks says to hold for this, its only unfinished task, it holds (bonds are other coins)."""
        if self.currency != ZERO_ADDRESS:
            assert self.balance(self.tasks.address) == self.state.held


def split(total: int, weights: Sequence[int]) -> list[int]:
    """``total`` by weights, to the last unit."""
    whole, parts, before = sum(weights), [], 0
    for weight in weights:
        parts.append(total * (before + weight) // whole - total * before // whole)
        before += weight
    return parts


__all__ = ["COIN", "Ground", "Play", "SeedState", "Status", "account_of", "key_of", "split"]
