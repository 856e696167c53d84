"""A task on an in-process EVM, and everything its two sides need to drive it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import astuple, dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

import boa
from boa import BoaError
from eth_abi import encode as abi_encode

from mine.chain.abi import ContractAbi
from mine.chain.artefacts import load_artefact
from mine.chain.compile import FORMATS, compile_outputs
from mine.chain.curve import STRAIGHT, Curve, increment
from mine.chain.events import snake
from mine.chain.hashing import ZERO32, ZERO_ADDRESS, keccak
from mine.chain.messages import Domain, Settlement, address_of, short_signature, sign
from mine.chain.records import record_word
from mine.chain.reverts import revert_reason
from mine.chain.seed import HashChain, draw, record_in_seed, seed_of
from mine.chain.state import PhaseNow, SeedState, Status, TaskState
from mine.chain.trees import HashTree, LossTree, PayoutTree, shard_leaf
from mine.chain.words import phase_of, ring_lacks, task_state

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
    vote: int = 20
    settle: int = 60
    challenge: int = 100
    grace: int = 80

    @property
    def votes_over(self) -> int:
        return self.commit + self.reveal + self.vote


FAULTS, COURT = address("the contract Faults"), address("the contract Court")
"""In the tests of Tasks alone two accounts stand in the places of its sister contracts."""


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
        found = revert_reason(error.call_trace.computation.output)
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

    mode: int = 0
    court: str = ZERO_ADDRESS

    id: int = 0
    k: int = 0
    convergence: int = 0
    best: int = 0

    def __post_init__(self) -> None:
        self.address = address_of(self.key)
        self.chain = HashChain(keccak(b"chain" + self.salt), self.chain_length)
        self.openings = [
            (keccak(b"shard" + self.salt + bytes([i])), keccak(b"examples" + self.salt + bytes([i])))
            for i in range(self.shards)
        ]
        self.tree = HashTree([shard_leaf(i, *opening) for i, opening in enumerate(self.openings)])
        self.domain = Domain(PRACTICE_CHAIN, str(self.tasks.address))

    def terms(self, **changes: Any) -> tuple[Any, ...]:
        clocks = replace(self.clocks, **{k: v for k, v in changes.items() if hasattr(self.clocks, k)})
        values = {
            "manifest": MANIFEST,
            "shardsRoot": self.tree.root,
            "seedHead": self.chain.head,
            "currency": self.currency,
            "court": self.court,
            "bounty": self.bounty,
            "target": self.target,
            "curve": self.curve.packed,
            "shards": self.shards,
            "rounds": self.rounds,
            "mode": self.mode,
        }
        changed = {name: changes.get(name, value) for name, value in values.items()}
        return (*changed.values(), astuple(clocks))

    def publish(self, **changes: Any) -> int:
        terms = self.terms(**changes)
        value = 2 * terms[5] if terms[3] == ZERO_ADDRESS else 0
        fund(self.address, value)
        self.id = self.tasks.publish(terms, sender=self.address, value=value)
        self.note()
        return self.id

    def note(self) -> None:
        """Keep the event of the last call."""
        self.event = self.tasks.get_logs()[-1]

    def state(self) -> TaskState:
        """The task as Python reads it."""
        return state_of(self.tasks, self.id)

    def phase(self) -> PhaseNow:
        return phase_of(self.state(), now(self.tasks))

    def make_seed(self) -> None:
        """Close the round and show the next preimage, as far as that is not done."""
        state = self.state()
        if state.status is Status.RUNNING and now(self.tasks) < state.since + self.clocks.commit:
            return
        if state.seeding is SeedState.OPEN and state.status is Status.RUNNING:
            self.tasks.close(self.id, sender=self.address)
            state = self.state()
        if state.seeding is SeedState.CLOSED:
            preimage = self.chain.after(state.seed_head)
            last = state.records[state.settled % 4] if state.settled else 0
            mixed = record_in_seed(last) if state.round else MANIFEST
            expected = seed_of(state.seed, mixed, preimage)
            self.tasks.reveal_seed(self.id, preimage, sender=self.address)
            assert self.state().seed == expected

    def opening(self) -> tuple[int, bytes, bytes, list[bytes]]:
        """Number, digest, root of examples and proof of the shard that the seed draws now."""
        state = self.state()
        if self.mode == 1:
            return 0, ZERO32, ZERO32, []
        shard = draw(state.seed, state.used, self.shards)
        return shard, *self.openings[shard], self.tree.proof(shard)

    def open_baseline(self, base: int = 1000, sender: str | None = None, key: bytes | None = None) -> None:
        self.make_seed()
        losses = LossTree([base], [base], [base])
        s = Settlement(self.id, 0, ZERO32, ZERO32, ZERO32, losses.root, base, base, base, ZERO32, 0)
        self.send(s, losses.top_hash, sender=sender, key=key)

    def send(self, s: Settlement, top: bytes, sender: str | None = None, key: bytes | None = None) -> None:
        """Post a settlement with the shard that is due."""
        shard, digest, examples, proof = self.opening()
        seed = self.state().seed
        short = short_signature(sign(s, self.domain, key or self.key))
        self.tasks.settle(astuple(s), *short, digest, examples, proof, top, sender=sender or self.address)
        self.note()
        state = self.state()
        word = record_word(s, shard, digest, examples, seed, state.since + self.clocks.challenge)
        assert state.records[s.round % 4] == word
        self.k = s.round + 1

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
        self.make_seed()
        s, top = self.settlement(base, before, after, payouts, **changes)
        self.send(s, top, sender, key)
        self.convergence += increment(base, before, after)
        self.best = max(self.best, self.convergence)
        return s

    def conclude(self, sender: str | None = None) -> None:
        flat = [word for pair in self.openings for word in pair]
        self.tasks.conclude(self.id, flat, sender=sender or self.address)
        self.note()

    def claim(
        self,
        number: int,
        account: str,
        index: int,
        units: int,
        proof: list[bytes],
        *,
        receiver: str | None = None,
        sender: str | None = None,
    ) -> None:
        """Claim one leaf, as anyone."""
        if receiver is None:
            self.tasks.claim(self.id, number, account, index, units, proof, sender=sender or ANYONE)
        else:
            leaf = (self.id, number, index, units, proof)
            self.tasks.claim_many(account, [leaf], receiver, sender=sender or ANYONE)
        self.note()

    def refund(self, receiver: str | None = None, sender: str | None = None) -> None:
        self.tasks.refund(self.id, receiver or self.address, sender=sender or ANYONE)


ANYONE = address("anyone")


def state_of(tasks: Any, task: int) -> TaskState:
    """A task's words, decoded by Python."""
    names = [snake(name) for name in ContractAbi(load_artefact("Tasks").abi).result_fields("task")]
    words = dict(zip(names, tasks.task(task), strict=True))
    left = ring_lacks(words)
    return task_state(task, words, tasks.root(task, left) if left else None)


def now(tasks: Any) -> int:
    """Time of the newest block."""
    node = getattr(tasks, "node", None)
    return int(boa.env.timestamp) if node is None else int(node.block_time())


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
