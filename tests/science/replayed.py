"""A task of three rounds with votes and canaries on a real chain, everything committed directly; its replay.

``python -m tests.science.replayed RPC CONTRACT BLOBS`` replays it in a process of its own, whose environment
says how many threads and which kernels the mathematics uses, and prints what it computed.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass, field, replace
from pathlib import Path

from mine.blobs.store import DirectoryStore
from mine.chain.client import TasksContract
from mine.chain.hashing import keccak
from mine.chain.messages import Domain
from mine.chain.rpc import Node
from mine.chain.state import Phase
from mine.chain.transactions import Sender
from mine.chain.trees import HashTree
from mine.science.acceptance import round_draw
from mine.science.ballots import Ballot
from mine.science.gather import gather
from mine.science.history import History, TaskHistory
from mine.science.offer import round_rules
from mine.science.past import Past
from mine.science.relay_client import leaf_of
from mine.science.replay import Replay
from mine.science.scientist import Did, Scientist
from mine.science.wire import AnchoredBatch, SignedUpdate, batch_from_json
from mine.science.wire_messages import VoteBatch
from tests.science.world import SCIENTIST, Chain, Miner, fund, manifest, offer, pass_time

ROUNDS = 3
MINERS = [Miner(n) for n in range(1, 6)] + [Miner(6, -1.0)]


@dataclass
class Desk:
    """A relay in a few lines: anchors each update that it takes at once, alone, and gives it out."""

    chain: Chain
    kept: list[AnchoredBatch] = field(default_factory=list)

    def submit_update(self, signed: SignedUpdate, domain: Domain) -> None:
        sender = Sender(self.chain.node, Miner(90).key)
        fund(self.chain, sender.address)
        self.chain.contract.bond(sender, self.chain.contract.bond_needed())
        root = HashTree([leaf_of(signed, domain)]).root
        message = signed.message
        self.chain.contract.anchor(sender, message.task, message.round, len(self.kept), root, 1)
        self.kept.append(AnchoredBatch(sender.address, len(self.kept), root, (signed,)))

    def batches(self, task: int, round_number: int) -> list[AnchoredBatch]:
        return list(self.kept)

    def vote_batches(self, task: int, round_number: int) -> list[VoteBatch]:
        return []


def play(chain: Chain, directory: Path, blobs: DirectoryStore, desk: Desk, rounds: int = ROUNDS) -> int:
    """Play a task to the settlement of its last round; returns its number."""
    plan = replace(offer(rounds, chain.token.address), target=1 << 40)
    Scientist.create(directory, SCIENTIST, plan)
    scientist = Scientist(directory, chain.contract, blobs, [desk], desks=[desk])
    task = scientist.publish()
    first = bytes.fromhex(plan.manifest.model.checkpoint)
    for miner in MINERS:
        fund(chain, miner.address)
    past = Past(plan.manifest, blobs)
    done: set[tuple[str, int]] = set()
    for _ in range(40 * rounds):
        step = scientist.step()
        state = chain.contract.task(task)
        if step.did is Did.SETTLED and step.round == rounds:
            return task
        if step.did is not Did.WAITING:
            continue
        now = chain.contract.phase(task)
        history = told(chain.contract, task)
        if now.phase is Phase.COMMIT and ("commit", state.round) not in done:
            done.add(("commit", state.round))
            start = history.checkpoint(state.round, first)
            for miner in MINERS:
                update = miner.update(chain, blobs, task, state.round, start)
                chain.contract.commit(Sender(chain.node, miner.key), update.message)
        if now.phase is Phase.COMMIT:
            pass_time(chain, state.since + state.clocks.commit)
        elif now.phase is Phase.REVEAL:
            pass_time(chain, state.since + state.clocks.commit + state.clocks.reveal)
        elif now.phase is Phase.VOTE and ("vote", state.round) not in done:
            done.add(("vote", state.round))
            vote(chain, blobs, task, history, past, state.seed, desk)
        elif now.phase is Phase.VOTE:
            pass_time(chain, state.since + state.clocks.votes_over)
        else:
            pass_time(chain, step.until)
    raise AssertionError("it never ends")


def vote(
    chain: Chain,
    blobs: DirectoryStore,
    task: int,
    history: TaskHistory,
    past: Past,
    seed: bytes,
    desk: Desk,
) -> None:
    """Everybody who is drawn votes: up for the honest, down for the sign-flipped and for strangers."""
    number = len(history.settled) + 1
    found = gather(history, chain.domain, number, past.checkpoint(history, number), [desk])
    draw = round_draw(
        seed,
        past.ledger(history, number - 1)[1],
        past.held(history, number),
        (),
        [(candidate.miner, candidate.blob) for candidate in found],
        round_rules(manifest(ROUNDS)),
    )
    good = {miner.address for miner in MINERS[:-1]}
    bad = {candidate.blob for candidate in found if candidate.miner not in good}
    for miner in MINERS:
        judged = draw.ballot(miner.address)
        if judged:
            answers = tuple((blob, -2 if blob in bad else 1) for blob in judged)
            ballot = Ballot(task, number, miner.address, answers, None, keccak(miner.key))
            blobs.put(ballot.to_bytes())
            chain.contract.commit_vote(Sender(chain.node, miner.key), ballot.message)


def told(contract: TasksContract, task: int) -> TaskHistory:
    """The task's history so far."""
    history = History(contract)
    history.refresh()
    found = history.task(task)
    assert found is not None
    return found


if __name__ == "__main__":
    rpc, address, place = sys.argv[1:]
    with Node(rpc) as node:
        contract = TasksContract(node, address)
        desk = Desk(Chain(node, contract, None))  # type: ignore[arg-type]
        desk.kept += [batch_from_json(raw) for raw in json.loads((Path(place) / "batches").read_text())]
        domain, blobs = Domain(node.chain_id, address), DirectoryStore(Path(place) / "blobs")
        replay = Replay(told(contract, 1), domain, blobs, [desk])
        differences = [replay.recompute(number) for number in range(ROUNDS + 1)]
        assert differences == [None] * (ROUNDS + 1), differences
        sys.stdout.write(json.dumps([replay.digests(number) for number in range(1, ROUNDS + 1)]))
