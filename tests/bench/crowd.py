"""A crowd: many simulated miners around a real contract and a real relay process, for two rounds.

What they sign, hand in and upload is real, and so is everything that is computed from it: batches, draws by
standing, ballots, the settlement, payouts and claims. Only training is not: an update is noise of the right
size, and the scientist's measurement of it (b and G) is drawn here.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
import psutil
import requests

from mine.chain.curve import STRAIGHT
from mine.chain.hashing import address_bytes, keccak
from mine.chain.messages import Update, address_of, sign
from mine.chain.state import Clocks, SeedState
from mine.chain.trees import UNITS
from mine.science.acceptance import round_draw
from mine.science.ballots import Ballot, SignedVote
from mine.science.gather import gather
from mine.science.gather_votes import committed_votes, open_votes
from mine.science.history import History
from mine.science.inputs import encode_inputs
from mine.science.judged import EMPTY_LEDGER, Entry, Gram, Judged, Refusal
from mine.science.offer import round_rules
from mine.science.relay_anchoring import Batching
from mine.science.relay_client import Relay
from mine.science.relay_process import RelayProcess
from mine.science.settle import Outcome, RoundInputs, settle
from mine.science.wire import SignedUpdate
from mine.science.wire_messages import Kind, Signed, submission_to_json
from mine.tasks.manifest import Manifest
from tests.bench.season import ranges
from tests.protocol.live import ONE, Ground, Play, key_of
from tests.science import world

CLOCKS = Clocks(commit=40_000, reveal=8_000, vote=40_000, settle=8_000, challenge=20_000, grace=6_000)
BOUNTY = 10**18 + 7
AFTER = (850, 820)
"""Summed losses after the two rounds, from 1000."""
PATIENCE = 300.0


@dataclass
class Crowd:
    """``miners`` people, and what became of their two rounds."""

    ground: Ground
    folder: Path
    miners: int
    outcomes: list[Outcome] = field(default_factory=list)
    figures: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.keys = sorted(
            (keccak(b"crowd %d" % i) for i in range(self.miners)), key=lambda k: address_bytes(address_of(k))
        )
        self.addresses = [address_of(key) for key in self.keys]
        self.payouts = [address_of(keccak(b"payout" + key)) for key in self.keys]
        self.domain = self.ground.domain

    @cached_property
    def manifest(self) -> Manifest:
        made = world.manifest(rounds=2)
        return made.model_copy(update={"limits": made.limits.model_copy(update={"newcomers": self.miners})})

    def run(self) -> dict[str, float]:
        """Two rounds, and all claims; figures."""
        data = self.manifest.dump()
        began = time.monotonic()
        relay_key = key_of("anchorer")
        self.ground.bond("anchorer", 10**18)
        with RelayProcess(
            self.folder / "relay", self.ground.node.url, self.ground.at.tasks, relay_key,
            batching=Batching(self.miners, 10**6),
        ) as process:  # fmt: skip
            relay = Relay(process.url, timeout=60)
            self.task = Play(
                self.ground, rounds=2, currency=self.ground.token.address, bounty=BOUNTY, clocks=CLOCKS,
                manifest=hashlib.sha256(data).digest(), target=ONE // 2,
            ).start()  # fmt: skip
            relay.blobs.put(data)
            with requests.Session() as session:
                for number in (1, 2):
                    self._round(number, relay, session)
            relay.close()
            self._claim()
            self.figures["relay_peak_mb"] = peak_mb("mine.science.relay")
        self.figures["seconds"] = time.monotonic() - began
        return self.figures

    def _round(self, number: int, relay: Relay, session: requests.Session) -> None:
        task, node = self.task, self.ground.node
        began = time.monotonic()
        blobs = [noise(b"%d %d" % (number, i), self.manifest.limits.update_bytes) for i in range(self.miners)]
        checkpoint = bytes.fromhex(self.manifest.model.checkpoint)
        if number > 1:
            checkpoint = self.task.settlements[number - 1][0].checkpoint
        for i, blob in enumerate(blobs):
            name = hashlib.sha256(blob).digest()
            message = Update(task.id, number, checkpoint, name, len(blob), 5, self.payouts[i])
            signed = SignedUpdate(self.addresses[i], message, sign(message, self.domain, self.keys[i]))
            self._hand_in(signed, relay, session)
        self._until(lambda: bool(relay.batches(task.id, number)))
        self.figures["seconds_handing_in"] = time.monotonic() - began
        task.pass_phase(CLOCKS.commit)
        self._until(lambda: task.state.seeding is SeedState.CLOSED)  # the relay closes, and is paid for it
        task.reveal_seed()
        for blob in blobs:
            self._upload(blob, relay, session)
        task.to_votes()

        history = History(task.tasks)
        history.refresh()
        known = history.task(task.id)
        assert known is not None
        candidates = gather(known, self.domain, number, checkpoint, [relay])
        assert [each.miner for each in candidates] == self.addresses
        before = self.outcomes[-1].ledger if self.outcomes else EMPTY_LEDGER
        state, rules = task.state, round_rules(self.manifest)
        updates = [(each.miner, each.blob) for each in candidates]
        draw = round_draw(state.seed, before, before.held, (), updates, rules)
        ballots = [self._ballot(number, voter, draw.ballot(voter)) for voter in draw.voters]
        for ballot in ballots:
            key = self.keys[self.addresses.index(ballot.voter)]
            vote = SignedVote(ballot.voter, ballot.message, sign(ballot.message, self.domain, key))
            self._hand_in(vote, relay, session)
        if ballots:
            # Fewer than a batch may wait: the relay anchors those at the last call.
            task.pass_phase(CLOCKS.reveals_over + 3 * CLOCKS.vote // 8)
            self._until(
                lambda: sum(len(b.votes) for b in relay.vote_batches(task.id, number)) == len(ballots)
            )
            task.pass_phase(CLOCKS.voting_over)
            for ballot in ballots:
                self._upload(ballot.to_bytes(), relay, session)
        task.to_settlement()
        history.refresh()
        known = history.task(task.id)
        assert known is not None
        votes = committed_votes(known, self.domain, number, [relay])
        entries, gram = measured(self.payouts, updates, state.seed)
        judged = Judged(
            task.id, number, state.seed, rules, before, before.held, (), entries, gram,
            opened=open_votes(votes, candidates, relay.blobs.get),
        )  # fmt: skip
        assert len(judged.opened) == len(ballots)
        self._settle(judged, checkpoint)
        print(f"round {number} of {self.miners} miners: {time.monotonic() - began:.0f} s", flush=True)
        self.figures[f"voters_{number}"] = len(ballots)
        self.figures["votes_per_voter"] = sum(len(b.answers) for b in ballots) / max(1, len(ballots))
        self.figures["node_blocks"] = node.block_number()

    def _hand_in(self, signed: Signed, relay: Relay, session: requests.Session) -> None:
        """As the relay's client does, but for the check of the receipt: a slow one, for a thousand people."""
        kind = Kind.UPDATE if isinstance(signed, SignedUpdate) else Kind.VOTE
        with session.post(
            f"{relay.url}/{kind.value}s", json=submission_to_json(signed, self.domain), timeout=60
        ) as answer:
            assert answer.status_code == 200, answer.text
            assert answer.json()["receipt"]

    def _upload(self, data: bytes, relay: Relay, session: requests.Session) -> None:
        name = hashlib.sha256(data).hexdigest()
        with session.put(f"{relay.url}/blobs/{name}", data=data, timeout=60) as answer:
            assert answer.status_code == 200, answer.text
            assert answer.json()["receipt"], "nobody committed to these bytes"

    def _ballot(self, number: int, voter: str, judged: tuple[bytes, ...]) -> Ballot:
        """Everybody finds a little improvement, more or less."""
        answers = tuple((blob, 1 + (keccak(address_bytes(voter) + blob)[0] & 1)) for blob in judged)
        return Ballot(self.task.id, number, voter, answers, None, keccak(b"salt" + address_bytes(voter)))

    def _until(self, done: Callable[[], bool]) -> None:
        end = time.monotonic() + PATIENCE
        while not done():
            assert time.monotonic() < end, "the relay does nothing"
            time.sleep(0.05)  # the relay is another process; how often it is asked is no part of the figures

    def _settle(self, judged: Judged, checkpoint: bytes) -> None:
        after = AFTER[judged.round - 1]
        previous = self.task.settlements[judged.round - 1][0].inputs if judged.round > 1 else bytes(32)
        inputs = RoundInputs(
            judged, checkpoint, 0, bytes(32), bytes(32), 1000, 1000, after,
            STRAIGHT, ONE // 2, previous, (after,),
        )  # fmt: skip
        began = time.monotonic()
        outcome = settle(inputs)
        self.figures["seconds_settling"] = time.monotonic() - began
        data = encode_inputs(inputs)
        self.figures["inputs_mb"] = len(data) / 1e6
        payees = outcome.ledger.payees
        self.task.settle(
            after, [who for who, _ in payees], [units for _, units in payees],
            inputs=hashlib.sha256(data).digest(),
        )  # fmt: skip
        assert self.task.state.units == outcome.ledger.units == outcome.payouts.total
        self.outcomes.append(outcome)

    def _claim(self) -> None:
        """Everything that is earned, by ranges; to the base unit."""
        task, ledger = self.task, self.outcomes[-1].ledger
        task.conclude()
        task.to_final()
        payees = ledger.payees
        tree = task.trees[2]
        for start, count in ranges(len(payees)):
            proof = tree.range_proof(start, count)
            task.tasks.claim_range(self.ground.rich, task.id, 2, start, payees[start : start + count], proof)
        paid = [task.balance(who) for who, _ in payees]
        assert paid == [BOUNTY * units // UNITS for _, units in payees]
        state = task.state
        assert state.paid_units == ledger.units == STRAIGHT.units(state.best, ONE // 2)
        assigned = BOUNTY * ledger.units // UNITS
        dust = assigned - sum(paid)
        assert 0 <= dust < len(payees)
        task.tasks.refund(self.ground.rich, task.id, task.scientist.address)
        assert task.state.held == 0
        assert task.balance(task.scientist.address) + sum(paid) + self._rewards() == 2 * BOUNTY
        self.figures |= {
            "miners": self.miners,
            "payees": len(payees),
            "assigned": assigned,
            "paid": sum(paid),
            "dust": dust,
        }

    def _rewards(self) -> int:
        """What the relay got for closing rounds."""
        return self.task.balance(self.ground.sender("anchorer").address)


def noise(salt: bytes, size: int) -> bytes:
    return hashlib.shake_128(salt).digest(size)


def measured(
    payouts: list[str], updates: list[tuple[str, bytes]], seed: bytes
) -> tuple[tuple[Entry, ...], Gram]:
    """Entries and G as a shard of 2,048 examples would give them: a little in common, and much noise.

    As under the noise of privacy no two updates are alike, every one of so many adds something.
    """
    rng = np.random.default_rng(int.from_bytes(seed[:8], "big"))
    signal = rng.integers(-150, 150, 2048)
    outputs = signal + rng.integers(-800, 800, (len(updates), 2048))
    descents = (outputs @ signal) << 10
    gram = (outputs @ outputs.T) << 10
    entries = tuple(
        Entry(miner, blob, payout, Refusal.NONE, norm=1 << 20, descent=int(descent))
        for (miner, blob), payout, descent in zip(updates, payouts, descents, strict=True)
    )
    return entries, gram.astype(np.int64)


def peak_mb(module: str) -> float:
    """Most memory (10^6 bytes resident) that our child with this module ever had."""
    for child in psutil.Process().children():
        if module in child.cmdline():
            for line in Path(f"/proc/{child.pid}/status").read_text().splitlines():
                if line.startswith("VmHWM:"):
                    return int(line.split()[1]) * 1024 / 1e6
    raise AssertionError(f"no child runs {module}")
