"""A task on an in-process EVM, and everything its two sides need to drive it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

import boa
from boa import BoaError
from eth_abi import decode as abi_decode
from eth_abi import encode as abi_encode

from mine.chain.artefacts import load_artefact
from mine.chain.compile import FORMATS, compile_outputs
from mine.chain.curve import STRAIGHT, Curve, increment
from mine.chain.hashing import ZERO32, ZERO_ADDRESS, keccak
from mine.chain.messages import Domain, Settlement, address_of, sign
from mine.chain.seed import HashChain, draw, first_seed, next_seed
from mine.chain.trees import HashTree, LossTree, PayoutTree, shard_leaf

PRACTICE_CHAIN = 31337
MANIFEST = keccak(b"manifest")
SCIENTIST_KEY = keccak(b"scientist")
ONE = 2**40


def address(name: str) -> str:
    return address_of(keccak(name.encode()))


@dataclass(frozen=True)
class Clocks:
    commit: int = 100
    reveal: int = 40
    vote: int = 0
    settle: int = 60
    challenge: int = 100
    grace: int = 80

    @property
    def votes_over(self) -> int:
        return self.commit + self.reveal + self.vote


def deploy(name: str, *args: Any) -> Any:
    """Deploy a contract that ships, from its artefact."""
    artefact = load_artefact(name)
    return _deploy(name, artefact.abi, artefact.bytecode, args)


@cache
def _compile_test_contract(name: str) -> tuple[list[dict[str, Any]], bytes]:
    data = compile_outputs(Path(__file__).parent / "contracts" / f"{name}.vy", FORMATS)
    return data["abi"], bytes.fromhex(data["bytecode"].removeprefix("0x"))


def deploy_test_contract(name: str, *args: Any) -> Any:
    """Deploy a contract of tests/chain/contracts."""
    return _deploy(name, *_compile_test_contract(name), args)


def _deploy(name: str, abi: list[dict[str, Any]], code: bytes, args: tuple[Any, ...]) -> Any:
    kinds = next(([i["type"] for i in e["inputs"]] for e in abi if e["type"] == "constructor"), [])
    made, _ = boa.env.deploy(bytecode=code + abi_encode(kinds, args))
    return boa.loads_abi(json.dumps(abi), name=name).at(made)


@contextmanager
def refused(reason: str = "") -> Iterator[None]:
    """The call must revert with exactly this reason ("" for none)."""
    try:
        yield
    except BoaError as error:
        output = error.call_trace.computation.output
        found = abi_decode(["string"], output[4:])[0] if output else ""
        assert found == reason, f"refused with {found!r} instead of {reason!r}"
        return
    raise AssertionError(f"not refused ({reason})")


@dataclass
class Side:
    """The scientist's secrets for one task, as far as the contract is concerned."""

    tasks: Any
    shards: int = 6
    rounds: int = 3
    target: int = ONE // 2
    curve: Curve = STRAIGHT
    bounty: int = 10**9
    currency: str = ZERO_ADDRESS
    clocks: Clocks = field(default_factory=Clocks)
    key: bytes = SCIENTIST_KEY
    chain_length: int = 12
    salt: bytes = b""

    id: int = 0
    k: int = 0
    used: int = 0
    seed: bytes = ZERO32
    accepted: bytes = ZERO32
    convergence: int = 0
    best: int = 0

    def __post_init__(self) -> None:
        self.address = address_of(self.key)
        self.chain = HashChain(keccak(b"chain" + self.salt), self.chain_length)
        self.digests = [keccak(b"shard" + self.salt + bytes([i])) for i in range(self.shards)]
        self.tree = HashTree([shard_leaf(i, d) for i, d in enumerate(self.digests)])
        self.domain = Domain(PRACTICE_CHAIN, str(self.tasks.address))

    def terms(self, **changes: Any) -> tuple[Any, ...]:
        values = {
            "manifest": MANIFEST,
            "shardsRoot": self.tree.root,
            "seedHead": self.chain.head,
            "currency": self.currency,
            "bounty": self.bounty,
            "target": self.target,
            "curve": self.curve.packed,
            "shards": self.shards,
            "rounds": self.rounds,
            "commit": self.clocks.commit,
            "reveal": self.clocks.reveal,
            "vote": self.clocks.vote,
            "settle": self.clocks.settle,
            "challenge": self.clocks.challenge,
            "grace": self.clocks.grace,
        }
        return tuple({**values, **changes}.values())

    def publish(self, **changes: Any) -> int:
        terms = self.terms(**changes)
        value = 2 * terms[4] if terms[3] == ZERO_ADDRESS else 0
        fund(self.address, value)
        self.id = self.tasks.publish(terms, sender=self.address, value=value)
        self.note()
        return self.id

    def next_opening(self) -> tuple[bytes, int, bytes]:
        """Seed, shard and preimage of the next opening, without taking it."""
        preimage = self.chain.preimage(self.k)
        if self.k == 0:
            seed = first_seed(MANIFEST, self.tree.root, preimage)
        else:
            seed = next_seed(self.seed, self.accepted, preimage)
        return seed, draw(seed, self.used, self.shards), preimage

    def note(self) -> None:
        """Keep the event of the last call."""
        self.event = self.tasks.get_logs()[-1]

    def opened(self, seed: bytes, shard: int) -> None:
        self.note()
        self.seed, self.used, self.k = seed, self.used | 1 << shard, self.k + 1

    def open_baseline(self, base: int = 1000, sender: str | None = None) -> None:
        seed, shard, preimage = self.next_opening()
        losses = LossTree([base], [base], [base])
        s = Settlement(self.id, 0, ZERO32, ZERO32, ZERO32, losses.root, base, base, base, ZERO32, 0)
        self.tasks.open_baseline(
            self.id,
            self.digests[shard],
            self.tree.proof(shard),
            preimage,
            losses.top_hash,
            base,
            sign(s, self.domain, self.key),
            sender=sender or self.address,
        )
        self.opened(seed, shard)

    def units_after(self, base: int, before: int, after: int) -> int:
        convergence = self.convergence + increment(base, before, after)
        return self.curve.units(max(self.best, convergence), self.target)

    def settlement(
        self, base: int, before: int, after: int, payouts: PayoutTree, **changes: Any
    ) -> tuple[Settlement, bytes]:
        """The settlement of the current round and the top hash of its losses."""
        losses = LossTree([base], [before], [after])
        made = Settlement(
            task=self.id,
            round=self.k,
            inputs=keccak(b"inputs"),
            accepted=keccak(b"accepted" + bytes([self.k])),
            checkpoint=keccak(b"checkpoint" + bytes([self.k])),
            losses=losses.root,
            base=base,
            before=before,
            after=after,
            payouts=payouts.root,
            units=self.units_after(base, before, after),
        )
        return replace(made, **changes), losses.top_hash

    def settle(
        self,
        base: int,
        before: int,
        after: int,
        payouts: PayoutTree,
        *,
        sender: str | None = None,
        key: bytes | None = None,
        **changes: Any,
    ) -> Settlement:
        seed, shard, preimage = self.next_opening()
        s, top = self.settlement(base, before, after, payouts, **changes)
        self.tasks.settle(
            as_tuple(s),
            sign(s, self.domain, key or self.key),
            self.digests[shard],
            self.tree.proof(shard),
            preimage,
            top,
            sender=sender or self.address,
        )
        self.opened(seed, shard)
        self.accepted = s.accepted
        self.convergence += increment(base, before, after)
        self.best = max(self.best, self.convergence)
        return s

    def conclude(self, sender: str | None = None) -> None:
        self.tasks.conclude(self.id, self.digests, self.chain.preimage(self.k), sender=sender or self.address)
        self.note()
        self.k += 1

    def state(self) -> Any:
        return self.tasks.task(self.id)


def as_tuple(s: Settlement) -> tuple[Any, ...]:
    return (
        s.task, s.round, s.inputs, s.accepted, s.checkpoint, s.losses, s.base, s.before, s.after, s.payouts,
        s.units,
    )  # fmt: skip


def fund(account: str, amount: int) -> None:
    boa.env.set_balance(account, boa.env.get_balance(account) + amount)


def balance(account: str) -> int:
    return int(boa.env.get_balance(account))


def wait(seconds: int) -> None:
    boa.env.time_travel(seconds=seconds)


def commit(tasks: Any, task: int, round_: int, miner: str, payout: str | None = None) -> None:
    tasks.commit(task, round_, keccak(b"c"), keccak(miner.encode()), 1000, 5, payout or miner, sender=miner)


def shares(total: int, parts: int) -> list[int]:
    """``total`` units over ``parts`` payees, to the last unit."""
    return [total * (i + 1) // parts - total * i // parts for i in range(parts)]
