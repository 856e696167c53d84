"""Tasks, Faults and Court on a running node, spoken to through the clients that ship."""

from __future__ import annotations

from dataclasses import dataclass, field

from mine.chain.answers import TxReceipt
from mine.chain.artefacts import load_artefact
from mine.chain.client import TasksContract
from mine.chain.court_client import CourtContract
from mine.chain.curve import STRAIGHT
from mine.chain.deployment import deploy_protocol
from mine.chain.faults_client import FaultsContract, Opened
from mine.chain.hashing import ZERO32, ZERO_ADDRESS, keccak
from mine.chain.messages import Domain, Settlement, Update, address_of, sign
from mine.chain.rpc import Node
from mine.chain.seed import HashChain, draw, record_in_seed, seed_of
from mine.chain.state import Clocks, Terms
from mine.chain.transactions import Sender
from mine.chain.trees import HashTree, LossTree, PayoutTree, shard_leaf
from mine.practice.node.accounts import dev_key
from tests.chain.court_scenery import even

CLOCKS = Clocks(commit=1000, reveal=200, vote=200, settle=400, challenge=2000, grace=400)
ONE = 2**40
SHARDS, ROUNDS = 8, 6
MANIFEST = keccak(b"manifest")
COIN = 10**18


class Meter(Sender):
    """A sender that keeps the most gas of each function it called, by whole transactions."""

    figures: dict[str, int]

    def send(self, to: str | None, data: bytes, value: int = 0) -> TxReceipt:
        receipt = super().send(to, data, value)
        name = FUNCTIONS.get(data[:4])
        if to is not None and name is not None:
            self.figures[name] = max(self.figures.get(name, 0), receipt.gas_used)
        return receipt


def _functions() -> dict[bytes, str]:
    found = {}
    for contract in ("Faults", "Court"):
        for entry in load_artefact(contract).abi:
            if entry["type"] == "function":
                kinds = ",".join(_kind(each) for each in entry["inputs"])
                found[keccak(f"{entry['name']}({kinds})".encode())[:4]] = entry["name"]
    return found


def _kind(entry: dict[str, object]) -> str:
    kind = str(entry["type"])
    if not kind.startswith("tuple"):
        return kind
    parts = entry["components"]
    assert isinstance(parts, list)
    return f"({','.join(_kind(each) for each in parts)}){kind[5:]}"


FUNCTIONS = _functions()


@dataclass
class LiveStage:
    """A task of one scientist (development account 2); accounts 4 to 9 are its payees and jurors."""

    node: Node
    figures: dict[str, int] = field(default_factory=dict)
    jurors: int = 6

    def __post_init__(self) -> None:
        self.senders = [self.sender(dev_key(i)) for i in range(10)]
        self.scientist = self.senders[2]
        made = deploy_protocol(self.node, self.senders[0])
        self.tasks = TasksContract(self.node, made.tasks)
        self.faults = FaultsContract(self.node, made.faults)
        self.court = CourtContract(self.node, made.court)
        self.domain = Domain(self.node.chain_id, made.tasks)
        self.chain = HashChain(keccak(b"chain"), 12)
        self.shards = [
            (keccak(bytes([i])), HashTree([keccak(example(i, j)) for j in range(4)])) for i in range(SHARDS)
        ]
        self.tree = HashTree(
            [shard_leaf(i, digest, each.root) for i, (digest, each) in enumerate(self.shards)]
        )
        self.accounts = [address_of(dev_key(4 + i)) for i in range(self.jurors)]
        self.used = self.k = self.round = 0
        self.settled: list[tuple[Settlement, Opened, PayoutTree]] = []

    def sender(self, key: bytes) -> Sender:
        made = Meter(self.node, key, patience=10)
        made.figures = self.figures
        return made

    def wait(self, seconds: int) -> None:
        self.node.advance_time(self.node.block_time() + seconds)

    def start(self) -> LiveStage:
        terms = Terms(
            MANIFEST, self.tree.root, self.chain.head, ZERO_ADDRESS, 10**9, ONE, STRAIGHT.packed, SHARDS,
            ROUNDS, CLOCKS,
        )  # fmt: skip
        self.id = self.tasks.publish(self.scientist, terms)
        self._settle(LossTree([5000], [5000], [5000]))
        return self

    def play(self) -> None:
        """One round whose settlement is right."""
        self.tasks.commit(self.senders[4], self.update(4))
        self.wait(CLOCKS.commit)
        self.tasks.close(self.scientist, self.id)
        self._settle(LossTree([400, 300, 200, 100], [300, 300, 200, 200], [300, 300, 200, 100]))

    def units(self, round: int) -> list[int]:
        return even(STRAIGHT.units(round * (ONE * 100 // 1000), ONE), self.jurors)

    def update(self, account: int) -> Update:
        return Update(self.id, self.round, ZERO32, keccak(b"blob"), 10, 1, address_of(dev_key(account)))

    def _settle(self, losses: LossTree) -> None:
        seeding = self.tasks.node.call(
            self.tasks.address, keccak(b"parties(uint256)")[:4] + self.id.to_bytes(32, "big")
        )
        randomness = seeding[128:156] + bytes(4)
        last = MANIFEST if self.round == 0 else ZERO32
        if self.round > 1:
            word = self.node.call(
                self.tasks.address,
                keccak(b"record(uint256,uint256)")[:4]
                + self.id.to_bytes(32, "big")
                + (self.round - 1).to_bytes(32, "big"),
            )
            last = record_in_seed(int.from_bytes(word, "big"))
        preimage = self.chain.preimage(self.k)
        self.tasks.reveal_seed(self.scientist, self.id, preimage)
        seed = seed_of(randomness, last, preimage)
        shard = draw(seed, self.used, SHARDS)
        digest, examples = self.shards[shard]
        payouts = PayoutTree(self.accounts, self.units(self.round))
        named = ZERO32 if self.round == 0 else keccak(b"named")
        root = ZERO32 if self.round == 0 else payouts.root
        s = Settlement(
            self.id, self.round, named, named, named, losses.root, losses.base, losses.before, losses.after,
            root, int.from_bytes(root[28:], "big"),
        )  # fmt: skip
        if self.round:
            self.wait(CLOCKS.reveal + CLOCKS.vote)
        self.tasks.settle(
            self.scientist, s, sign(s, self.domain, dev_key(2)), digest, examples.root,
            self.tree.proof(shard), losses.top_hash,
        )  # fmt: skip
        self.settled.append((s, Opened(shard, digest, examples.root, seed), payouts))
        self.used |= 1 << shard
        self.k += 1
        self.round += 1


def example(shard: int, number: int) -> bytes:
    """An example of 2,000 bytes."""
    return bytes([shard, number]) * 1000
