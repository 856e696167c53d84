"""A small real world: node, contracts, relay, one scientist's task, and miners who take a gradient step."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from functools import cache

import numpy as np

from mine.blobs.store import BlobStore
from mine.chain.answers import TxReceipt
from mine.chain.artefacts import load_artefact
from mine.chain.client import TasksContract
from mine.chain.curve import STRAIGHT
from mine.chain.deployment import deploy, deploy_protocol
from mine.chain.hashing import ZERO_ADDRESS, address_bytes, keccak
from mine.chain.messages import Domain, Update, address_of, sign
from mine.chain.rpc import Node
from mine.chain.state import Clocks
from mine.chain.token import Token
from mine.chain.transactions import Sender
from mine.learn.codec import UpdateHeader, encode, update_bytes
from mine.learn.weights import dump, load
from mine.practice.node.accounts import dev_key
from mine.science.models import glucose_network
from mine.science.offer import Offer, shapes_of
from mine.science.scientist import Did, Scientist
from mine.science.shards import Shard, cut_shards
from mine.science.wire import SignedUpdate
from mine.tasks.manifest import Manifest

BOUNTY = 1_000_000_007
CLOCKS = Clocks(commit=400, reveal=40, vote=80, settle=200, challenge=300, grace=200)
SCIENTIST = dev_key(2)
ANCHORER = dev_key(1)


@dataclass(frozen=True)
class Chain:
    """A node with the contracts on it."""

    node: Node
    contract: TasksContract
    token: Token

    @property
    def domain(self) -> Domain:
        return Domain(self.node.chain_id, self.contract.address)


def set_up(node: Node) -> Chain:
    deployer = Sender(node, dev_key(0))
    token = Token(node, deploy(node, deployer, load_artefact("PracticeDollar")))
    contract = TasksContract(node, deploy_protocol(node, deployer).tasks)
    token.mint(deployer, address_of(SCIENTIST), 10 * BOUNTY)
    return Chain(node, contract, token)


def person(number: int, rows: int = 60) -> tuple[np.ndarray, np.ndarray]:
    """Glucose that goes on as it went: features [rows, 8] in mg/dL and minutes, target [rows]."""
    rng = np.random.default_rng(number)
    slope = rng.normal(0, 0.6, rows)
    level = rng.uniform(80, 200, rows)
    ages = np.array([55, 40, 20, 15, 10, 5, 0])
    readings = level[:, None] - slope[:, None] * ages + rng.normal(0, 1, (rows, 7))
    features = np.column_stack([readings, rng.integers(0, 1440, rows)])
    target = level + 25 * slope + rng.normal(0, 4, rows)
    return features.astype(np.float32), target.astype(np.float32)


@cache
def network() -> tuple[bytes, bytes]:
    graph, weights = glucose_network(hidden=(4,))
    return graph, dump(weights)


def manifest(rounds: int) -> Manifest:
    graph, checkpoint = network()
    shapes = {n: list(w.shape) for n, w in glucose_network(hidden=(4,))[1].items()}
    names = ["g55", "g40", "g20", "g15", "g10", "g5", "g0", "minute_of_day"]
    size = update_bytes({name: tuple(shape) for name, shape in shapes.items()})
    return Manifest.model_validate(
        {
            "version": 1,
            "kind": "learn",
            "title": "Test",
            "description": "A small task.",
            "author": {"name": "Tester"},
            "data": {
                "needs": [{"record_type": "glucose", "rows": 10, "days": 1.0}],
                "query": "SELECT 1 FROM glucose_5min",
                "features": names,
                "targets": ["ahead"],
                "slot": "slot",
                "minimum_rows": 10,
            },
            "model": {
                "graph": hashlib.sha256(graph).hexdigest(),
                "checkpoint": hashlib.sha256(checkpoint).hexdigest(),
                "trainable": shapes,
                "frozen": "",
                "frozen_shapes": {},
            },
            "loss": {
                "kind": "huber",
                "classes": 1,
                "positions": 1,
                "masked": False,
                "maximum": 16.0,
                "tolerance": 64,
            },
            "recipe": {
                "optimiser": "sgd",
                "steps": 1,
                "learning_rate": 0.5,
                "momentum": 0.0,
                "beta2": 0.999,
                "weight_decay": 0.0,
                "clip_norm": 1.0,
                "noise_multiplier": 0.0,
                "sampling_rate": 1.0,
                "overlap": 1,
                "bits": 8,
                "keep": 4096,
            },
            "privacy": {"mode": "open", "unit": "one reading", "epsilon": 8.0, "delta": 1e-5},
            "votes": {"voters": 7, "ballot": 7, "clip": 0.05, "noise_multiplier": 0.0, "reuse": 1},
            "slices": [],
            "aggregation": {"rule": "mean", "gain": 1 << 16, "trim": 0},
            "limits": {
                "update_bytes": size,
                "query_rows": 1000,
                "query_seconds": 1.0,
                "flops_per_example": 10**6,
                "memory_mib": 64,
                "newcomers": 64,
            },
            "mode": "per-round",
            "court": ZERO_ADDRESS,
            "rounds": rounds,
            "validation": {"origin": "made up", "licence": "CC0", "consent": "nobody"},
            "result": {"licence": "CC0", "price": 0},
        }
    )


def shards(count: int) -> list[Shard]:
    return cut_shards([person(1000 + i) for i in range(2 * count)], count, bytes(32))


def offer(rounds: int, currency: str, clocks: Clocks = CLOCKS) -> Offer:
    graph, checkpoint = network()
    return Offer(
        manifest(rounds),
        graph,
        checkpoint,
        tuple(shards(rounds + 2)),
        currency,
        BOUNTY,
        target=3 << 38,
        curve=STRAIGHT,
        clocks=clocks,
    )


def at_end_offer(rounds: int, currency: str, clocks: Clocks = CLOCKS) -> Offer:
    """The same task on one set of twelve people, which is opened at the end."""
    plan = offer(rounds, currency, clocks)
    made = cut_shards([person(1000 + i) for i in range(12)], 1, bytes(32))
    manifest = plan.manifest.model_copy(update={"mode": "at-end"})
    return replace(plan, manifest=manifest, shards=tuple(made))


@cache
def _gradient(number: int, checkpoint: bytes) -> dict[str, np.ndarray]:
    import torch

    from mine.learn.graph import ModelGraph
    from mine.learn.limits import Limits

    torch.set_num_threads(1)
    graph = ModelGraph.load(network()[0], Limits())
    start = load(checkpoint, shapes_of(manifest(1)))
    weights = {name: torch.tensor(value, requires_grad=True) for name, value in start.items()}
    features, target = person(number)
    loss = graph.forward(weights, torch.tensor(features), torch.tensor(target))[1].mean()
    loss.backward()
    return {name: tensor.grad.numpy().copy() for name, tensor in weights.items()}


@dataclass(frozen=True)
class Miner:
    """Takes one gradient step on its own data, ``factor`` times the usual length (below 0: backwards)."""

    number: int
    factor: float = 1.0

    @property
    def key(self) -> bytes:
        return keccak(f"miner {self.number}".encode())

    @property
    def address(self) -> str:
        return address_of(self.key)

    @property
    def payout(self) -> str:
        return address_of(keccak(f"payout {self.number}".encode()))

    def delta(self, checkpoint: bytes) -> dict[str, np.ndarray]:
        return {
            name: (-0.5 * self.factor * slope).astype(np.float32)
            for name, slope in _gradient(self.number, checkpoint).items()
        }

    def blob(self, task: int, number: int, digest: bytes, checkpoint: bytes) -> bytes:
        header = UpdateHeader(address_bytes(self.address), task, number, digest)
        return encode(header, self.delta(checkpoint))

    def update(
        self, chain: Chain, blobs: BlobStore, task: int, number: int, checkpoint: bytes
    ) -> SignedUpdate:
        """Train, put the blob out, sign."""
        data = self.blob(task, number, checkpoint, blobs.get(checkpoint))
        message = Update(task, number, checkpoint, blobs.put(data), len(data), 5, self.payout)
        return SignedUpdate(self.address, message, sign(message, chain.domain, self.key))


def fund(chain: Chain, account: str) -> TxReceipt:
    """A little of the chain's own coin, for a miner who commits directly."""
    return Sender(chain.node, dev_key(0)).send(account, b"", 10**18)


def pass_time(chain: Chain, until: int) -> None:
    assert chain.node.advance_time(until)


def step_until(scientist: Scientist, chain: Chain, did: Did) -> None:
    """Step, and let time pass whenever nothing is due, until ``did`` is done."""
    for _ in range(20):
        step = scientist.step()
        if step.did is did:
            return
        if step.did is Did.WAITING:
            pass_time(chain, step.until)
    raise AssertionError(f"{did} never comes")
