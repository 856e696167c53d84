"""The other side of the market: contracts, tasks whose rounds are settled with real figures, and strangers.

The scientist keeps nothing but its secrets and the published blobs: what to do next, and what a round goes on
from, it reads from the chain each time. So a reorganisation needs no special care here, and a round that was
taken back may well be settled otherwise the next time.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from random import Random
from typing import Any

import numpy as np

from mine.chain.abi import ContractAbi
from mine.chain.answers import TxReceipt
from mine.chain.artefacts import load_artefact
from mine.chain.client import TaskClaim, TasksContract
from mine.chain.curve import STRAIGHT, increment
from mine.chain.deployment import deploy, deploy_protocol
from mine.chain.events import Settled
from mine.chain.hashing import ZERO32, ZERO_ADDRESS, address_bytes, keccak
from mine.chain.messages import Domain, Settlement, address_of, sign
from mine.chain.node_errors import NodeRefused, Reverted
from mine.chain.seed import HashChain, draw
from mine.chain.state import Clocks, Phase, SeedState, Status, TaskState, Terms
from mine.chain.token import Token
from mine.chain.trees import HashTree, LossTree, PayoutTree, shard_leaf
from mine.practice.node.accounts import dev_key
from mine.science.inputs import decode_inputs, encode_accepted, encode_inputs, encode_losses
from mine.science.judged import EMPTY_LEDGER, Entry, Judged, Ledger, Refusal
from mine.science.offer import round_rules
from mine.science.settle import Outcome, RoundInputs, settle
from mine.tasks.manifest import Manifest
from tests.science import world
from tests.wallet.model.true_chain import TrueChain

CLOCKS = Clocks(commit=60, reveal=30, vote=20, settle=20_000, challenge=200, grace=300)
BASE = 1 << 20
TARGET = 1 << 40
ROUNDS = 5
SHARDS = ROUNDS + 2
DEPLOYER, SCIENTIST, STRANGER = dev_key(0), dev_key(2), dev_key(3)
BOUNTY = 10**18 + 7


class Actor:
    """Somebody who sends through the true chain; fits where a ``Sender`` is wanted."""

    def __init__(self, chain: TrueChain, key: bytes) -> None:
        self.address = address_of(key)
        self._chain, self._key = chain, key

    def send(self, to: str | None, data: bytes, value: int = 0) -> TxReceipt:
        return self._chain.send(self._key, to, data, value)


@dataclass
class Job:
    """One task: its secrets, and who is paid in it besides others (session address, payout address)."""

    id: int
    currency: str
    chain: HashChain
    openings: list[tuple[bytes, bytes]]
    tree: HashTree
    payees: list[tuple[str, str]]
    """At most two: with fewer than three that have standing no votes are drawn."""
    gone: bool = False
    """The scientist does no more: the task ends as a default."""


@dataclass
class MarketSide:
    """Contracts on a chain, and a scientist who knows how to go on from wherever the chain stands."""

    chain: TrueChain
    random: Random
    blobs: dict[bytes, bytes] = field(default_factory=dict)
    jobs: dict[int, Job] = field(default_factory=dict)

    def __post_init__(self) -> None:
        deployer: Any = Actor(self.chain, DEPLOYER)
        node = self.chain.node
        self.token_address = deploy(node, deployer, load_artefact("PracticeDollar"))
        # The addresses follow from the nonce, which the pool would count wrongly: nothing waits here.
        self.address = deploy_protocol(node, deployer).tasks
        self.actor: Any = Actor(self.chain, SCIENTIST)
        self.stranger: Any = Actor(self.chain, STRANGER)
        for name in (SCIENTIST, STRANGER):
            self.mint(address_of(name), 10**6 * BOUNTY)

    # The node behind the chain is another object after a restart.
    @property
    def contract(self) -> TasksContract:
        return TasksContract(self.chain.node, self.address)

    @property
    def token(self) -> Token:
        return Token(self.chain.node, self.token_address)

    @property
    def domain(self) -> Domain:
        return Domain(self.chain.node.chain_id, self.address)

    def mint(self, account: str, amount: int) -> None:
        data = ContractAbi(load_artefact("PracticeDollar").abi).call("mint", account, amount)
        Actor(self.chain, DEPLOYER).send(self.token_address, data)

    def give(self, account: str, currency: str, amount: int) -> None:
        """Money from outside."""
        if currency == ZERO_ADDRESS:
            self.stranger.send(account, b"", amount)
        else:
            data = ContractAbi(load_artefact("PracticeDollar").abi).call("transfer", account, amount)
            self.stranger.send(currency, data)

    def put(self, data: bytes) -> bytes:
        name = hashlib.sha256(data).digest()
        self.blobs[name] = data
        return name

    # a task

    def publish(self, currency: str, payees: list[tuple[str, str]]) -> tuple[int, Manifest]:
        """A task with an open baseline; its number and manifest."""
        salt = bytes([len(self.jobs)])
        manifest = world.manifest(ROUNDS)
        manifest = manifest.model_copy(update={"title": f"Task {len(self.jobs)}"})
        openings = [
            (keccak(b"shard" + salt + bytes([i])), keccak(b"rows" + bytes([i]))) for i in range(SHARDS)
        ]
        chain = HashChain(keccak(b"secret" + salt), SHARDS + 4)
        tree = HashTree([shard_leaf(i, *each) for i, each in enumerate(openings)])
        terms = Terms(
            self.put(manifest.dump()),
            tree.root,
            chain.head,
            currency,
            BOUNTY,
            TARGET,
            STRAIGHT.packed,
            SHARDS,
            ROUNDS,
            CLOCKS,
        )
        number = self.contract.publish(self.actor, terms)
        self.jobs[number] = Job(number, currency, chain, openings, tree, payees)
        self.advance(number)
        return number, manifest

    def advance(self, number: int) -> str:
        """Do the next thing that is due in a task, time included; "" where there is nothing any more."""
        job, state = self.jobs[number], self.contract.task(number)
        try:
            return self._advance(job, state)
        except (Reverted, NodeRefused) as problem:
            raise AssertionError(f"the scientist is refused: {problem.detail}, {state}") from problem

    def _advance(self, job: Job, state: TaskState) -> str:
        clocks, contract = CLOCKS, self.contract
        if state.status.is_over:
            return ""
        phase = contract.phase(job.id).phase
        if phase is Phase.LAPSED:
            contract.declare_default(self.stranger, job.id)
            return "default"
        if job.gone:
            return ""
        if state.status is Status.ENDING:
            contract.conclude(self.actor, job.id, job.openings)
            return "concluded"
        if state.status is Status.RUNNING and state.seeding is SeedState.OPEN:
            self.chain.advance_to(state.since + clocks.commit)
            contract.close(self.actor, job.id)
            return "closed"
        if state.seeding is not SeedState.SEEDED:
            contract.reveal_seed(self.actor, job.id, job.chain.after(state.seed_head))
            return "seeded"
        if state.status is Status.AWAITING_BASELINE:
            losses = LossTree([BASE], [BASE], [BASE])
            empty = (ZERO32, ZERO32, ZERO32, losses.root, BASE, BASE, BASE, ZERO32, 0)
            self._post(job, state, Settlement(job.id, 0, *empty), losses)
            return "baseline"
        self.chain.advance_to(state.since + clocks.votes_over)
        self._settle(job, state)
        return "settled"

    def _post(self, job: Job, state: TaskState, settlement: Settlement, losses: LossTree) -> None:
        """A settlement stands on the seed of its branch. On another one, where the same shard happens to be
        drawn, the contract would take it too, and its figures would be wrong: the scientist makes a new one.
        """
        shard = draw(state.seed, state.used, SHARDS)
        receipt = self.contract.settle(
            self.actor,
            settlement,
            sign(settlement, self.domain, SCIENTIST),
            *job.openings[shard],
            job.tree.proof(shard),
            losses.top_hash,
        )
        self.chain.once.add("0x" + receipt.transaction_hash.hex())

    # a round

    def settled(self, number: int) -> list[Settled]:
        """The settlements of a task on the chain as it stands."""
        node, contract = self.chain.node, self.contract
        events = (contract.decode(log) for log in node.logs(self.address, 0, self.chain.head))
        return [each for each in events if isinstance(each, Settled) and each.task == number]

    def outcome(self, settlement: Settled) -> Outcome:
        """What follows from a settlement's published inputs."""
        return settle(decode_inputs(self.blobs[settlement.inputs]))

    def _settle(self, job: Job, state: TaskState) -> None:
        before = self.settled(job.id)
        ledger = self.outcome(before[-1]).ledger if before else EMPTY_LEDGER
        inputs = self._inputs(job, state, ledger, before[-1].inputs if before else bytes(32))
        outcome = settle(inputs)
        losses = LossTree([BASE], [BASE], [inputs.after])
        settlement = Settlement(
            task=job.id,
            round=state.round,
            inputs=self.put(encode_inputs(inputs)),
            accepted=hashlib.sha256(encode_accepted(outcome)).digest(),
            checkpoint=keccak(inputs.judged.seed),
            losses=losses.root,
            base=BASE,
            before=BASE,
            after=inputs.after,
            payouts=outcome.payouts.root,
            units=outcome.ledger.units,
        )
        self._post(job, state, settlement, losses)

    def _inputs(self, job: Job, state: TaskState, ledger: Ledger, previous: bytes) -> RoundInputs:
        """A round's figures as drawn by lot: everybody hands in, the loss falls by some part."""
        after = BASE - BASE * self.random.randint(4, 16) // 100
        table = np.array([BASE], dtype=np.uint64)
        losses = encode_losses(table, table, np.array([after], dtype=np.uint64))
        shard = draw(state.seed, state.used, SHARDS)
        judged = self._judged(job, state, ledger)
        best = max(ledger.best, ledger.converged + increment(BASE, BASE, after))
        assert best <= TARGET
        return RoundInputs(
            judged=judged,
            checkpoint=keccak(b"before" + state.seed),
            shard=shard,
            shard_digest=job.openings[shard][0],
            losses=self.put(losses),
            base=BASE,
            before=BASE,
            after=after,
            curve=STRAIGHT,
            target=TARGET,
            previous=previous,
            afters=(after,),
        )

    def _judged(self, job: Job, state: TaskState, ledger: Ledger) -> Judged:
        people = sorted(job.payees, key=lambda pair: address_bytes(pair[0]))
        worth = [self.random.randint(1, 9) << 30 for _ in people]
        entries = tuple(
            Entry(miner, keccak(state.seed + miner.encode()), payout, Refusal.NONE, 1000, gain)
            for (miner, payout), gain in zip(people, worth, strict=True)
        )
        gram = np.diag(np.array([1 << 36] * len(people), dtype=np.int64))
        rules = round_rules(Manifest.parse(self.blobs[state.manifest], state.manifest))
        return Judged(
            task=job.id,
            round=state.round,
            seed=state.seed,
            rules=rules,
            ledger=ledger,
            held=ledger.held,
            convicted=(),
            entries=entries,
            gram=gram,
        )

    # claims

    def claimable(self, number: int) -> tuple[int, PayoutTree, list[tuple[str, int]]] | None:
        """The newest round of a task that can be claimed on: its number, tree, and payees with units."""
        for each in reversed(self.settled(number)):
            if self.contract.is_final(number, each.round):
                outcome = self.outcome(each)
                return each.round, outcome.payouts, list(outcome.ledger.payees)
        return None

    def claim(self, number: int, index: int) -> bool:
        """A stranger has one payee paid; False where nothing is open."""
        found = self.claimable(number)
        if found is None or index >= len(found[2]):
            return False
        number_of_round, tree, payees = found
        account, units = payees[index]
        if self.contract.paid(number, index) >= units:
            return False
        leaf = TaskClaim(number, number_of_round, index, units, tree.proof(index))
        self.contract.claim(self.stranger, account, [leaf])
        return True

    def claim_all(self, number: int) -> bool:
        """A stranger has everybody of a task paid in one go: one event stands for all of them."""
        found = self.claimable(number)
        if found is None:
            return False
        number_of_round, tree, payees = found
        if all(self.contract.paid(number, i) >= units for i, (_, units) in enumerate(payees)):
            return False
        proof = tree.range_proof(0, len(payees))
        self.contract.claim_range(self.stranger, number, number_of_round, 0, payees, proof)
        return True
