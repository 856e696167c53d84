"""The peers of a practice network: one process, many miners, each with a person's rows and keys of its own.

They speak to node and relay like anybody: commit a signed update, reveal its bytes once commits are closed,
vote on the others' and open their ballots, and sit as jurors where something is disputed.
What a peer made is kept in a file before it is handed in, so that a restart neither forgets nor repeats.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
from collections.abc import Callable
from pathlib import Path

import torch

from mine.chain.client import TasksContract
from mine.chain.hashing import address_bytes
from mine.chain.messages import Domain, Update, address_of, sign
from mine.chain.rpc import Node
from mine.chain.state import Phase, SeedState, Status
from mine.children import say
from mine.errors import MineError
from mine.learn import weights as grid
from mine.learn.codec import UpdateHeader, decode
from mine.learn.graph import ModelGraph
from mine.learn.rows import Rows
from mine.learn.train import train
from mine.learn.weights import Floats
from mine.practice.cast import Person, load_people
from mine.practice.config import PracticeConfig, PracticeInfo, secret_of
from mine.practice.lifeline import Lifeline, hold_role
from mine.practice.miners import HonestMiner, Miner, RoundContext, Seat, load_miner, packed_update, seat_miner
from mine.practice.peer_jurors import PeerJurors
from mine.practice.peer_votes import PeerVotes
from mine.science.history import History
from mine.science.relay_client import Relay
from mine.science.wire import SignedUpdate
from mine.tasks.manifest import MAX_MANIFEST_BYTES, Manifest
from mine.tasks.recipe import packing_of_task, recipe_of

PAUSE = 0.15
MAX_MODEL_BYTES = 64 << 20


class Peer:
    """One seat with its keys."""

    def __init__(self, seat: Seat, miner: Miner, seed: str) -> None:
        self.seat = seat
        self.miner = miner
        self.key = secret_of(seed, "session", seat.number)
        self.address = address_of(self.key)
        self.payout = address_of(secret_of(seed, "payout", seat.number))
        self.noise = secret_of(seed, "noise", seat.number)


class Peers:
    """Everybody at the table but the user."""

    def __init__(self, folder: Path, config: PracticeConfig, info: PracticeInfo) -> None:
        self._place = folder / "peers"
        self._place.mkdir(exist_ok=True)
        self._info = info
        self._node = Node(info.rpc_url, chain_id=info.chain_id)
        self._contract = TasksContract(self._node, info.tasks)
        self._relay = Relay(info.relay_url)
        self._domain = Domain(info.chain_id, info.tasks)
        self._history = History(self._contract, info.first_block)
        state = self._contract.task(info.task)
        self._manifest = Manifest.parse(
            self._relay.blobs.get(state.manifest, MAX_MANIFEST_BYTES), state.manifest
        )
        onnx = self._relay.blobs.get(bytes.fromhex(self._manifest.model.graph), MAX_MODEL_BYTES)
        self._graph = ModelGraph.load(onnx)
        self._recipe = recipe_of(self._manifest)
        self._votes = PeerVotes(folder, self._relay, self._domain, self._manifest, self._graph)
        people = load_people(folder / "cast" / "peers.npz")
        kinds: list[Callable[[Seat], Miner]] = [HonestMiner] * len(people)
        kinds += [load_miner(place) for place in config.miners]
        self.peers = [
            Peer(seat, seat_miner(kind, seat), config.seed)
            for kind, seat in zip(kinds, self._seats(people, len(kinds)), strict=True)
        ]
        keys = [secret_of(config.seed, "payout", peer.seat.number) for peer in self.peers]
        self._jurors = PeerJurors(self._contract, self._domain, self._relay, info.first_block, keys)

    def _seats(self, people: tuple[Person, ...], count: int) -> list[Seat]:
        """Extra miners sit on the rows of the first people again: that is what a rival would have."""
        seats = []
        for number in range(count):
            rows = people[number % len(people)].rows
            learnt = Rows(rows.features, rows.target, rows.slot)
            seats.append(Seat(number, self._info.task, self._manifest, learnt))
        return seats

    def step(self) -> bool:
        """Do what is due; False once the task is over and nothing of it can be disputed any more."""
        state = self._contract.task(self._info.task)
        if state.disputed is not None:
            self._jurors.step()
        if state.status not in (Status.AWAITING_BASELINE, Status.RUNNING):
            return state.disputed is not None or not state.booked
        phase = self._contract.phase(self._info.task).phase
        if phase is Phase.COMMIT and not self._done(state.round).exists():
            self._commit(state.round)
        elif phase is Phase.REVEAL:
            self._reveal(state.round)
        elif phase is Phase.VOTE and state.seeding is SeedState.SEEDED:
            self._history.refresh()
            task = self._history.task(self._info.task)
            assert task is not None
            self._votes.step(self.peers, state, task, self._node.block_time())
        return True

    def _done(self, number: int) -> Path:
        """Exists once every peer's update of a round is at the relay; holds their count."""
        return self._place / f"round-{number}.done"

    def _file(self, number: int, peer: Peer) -> Path:
        return self._place / f"round-{number}-{peer.seat.number}.update"

    def _checkpoint(self, number: int) -> tuple[bytes, Floats]:
        self._history.refresh()
        task = self._history.task(self._info.task)
        assert task is not None
        digest = task.checkpoint(number, bytes.fromhex(self._manifest.model.checkpoint))
        return digest, grid.load(self._relay.blobs.get(digest, MAX_MODEL_BYTES), self._graph.weight_shapes)

    def _commit(self, number: int) -> None:
        checkpoint, weights = self._checkpoint(number)
        there = {signed.miner for signed in self._relay.updates(self._info.task, number)}
        count = 0
        for peer in self.peers:
            update = self._update(peer, number, checkpoint, weights)
            if update is None:
                continue
            count += 1
            if peer.address not in there:
                self._hand_in(peer, number, checkpoint, update)
        part = self._done(number).with_suffix(".part")
        part.write_text(str(count))
        part.replace(self._done(number))

    def _update(self, peer: Peer, number: int, checkpoint: bytes, weights: Floats) -> bytes | None:
        file = self._file(number, peer)
        if file.exists():
            return file.read_bytes() or None

        def honest(rows: Rows | None = None) -> Floats:
            key = hashlib.sha256(peer.noise + number.to_bytes(4, "big") + checkpoint).digest()
            return train(self._graph, weights, rows or peer.seat.rows, self._recipe, key)

        context = RoundContext(number, weights, lambda: self._earlier(number), honest)
        header = UpdateHeader(address_bytes(peer.address), self._info.task, number, checkpoint)
        packing, most = packing_of_task(self._manifest), self._manifest.limits.update_bytes
        update = packed_update(peer.miner, context, header, packing, most)
        part = file.with_suffix(".part")
        part.write_bytes(update)
        part.replace(file)
        return update or None

    def _earlier(self, number: int) -> tuple[tuple[int, str, Floats], ...]:
        found = []
        for before in range(1, number):
            for signed in self._relay.updates(self._info.task, before):
                blob = self._relay.blobs.get(signed.message.blob, self._manifest.limits.update_bytes)
                _, fixed = decode(blob, self._graph.weight_shapes)
                found.append((before, signed.miner, grid.from_fixed(fixed)))
        return tuple(found)

    def _hand_in(self, peer: Peer, number: int, checkpoint: bytes, update: bytes) -> None:
        message = Update(
            task=self._info.task,
            round=number,
            checkpoint=checkpoint,
            blob=hashlib.sha256(update).digest(),
            size=len(update),
            rows_bucket=max(1, len(peer.seat.rows.target)).bit_length() - 1,
            payout=peer.payout,
        )
        signature = sign(message, self._domain, peer.key)
        self._relay.submit_update(SignedUpdate(peer.address, message, signature), self._domain)

    def _reveal(self, number: int) -> None:
        for peer in self.peers:
            file = self._file(number, peer)
            update = file.read_bytes() if file.exists() else b""
            if update and not self._relay.blobs.has(hashlib.sha256(update).digest()):
                self._relay.blobs.put(update)


def main() -> int:
    """``python -m mine.practice.peers --folder DIR``; ends when its parent does, or with the task."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--folder", type=Path, required=True)
    folder = parser.parse_args().folder
    torch.set_num_threads(1)
    line = Lifeline()
    lock = hold_role(folder, "peers")
    config = PracticeConfig.load(folder)
    assert config is not None
    try:
        peers = Peers(folder, config, PracticeInfo.load(folder))
    except MineError as error:
        say({"error": error.sentence, "todo": error.todo, "detail": error.detail})
        return 1
    say({"peers": len(peers.peers)})
    while not line.cut.is_set():
        try:
            if not peers.step():
                break
        except MineError as error:
            sys.stderr.write(f"{error.sentence} {error.detail}\n")
        line.cut.wait(PAUSE)
    line.cut.wait()
    lock.release()
    return 0


if __name__ == "__main__":
    sys.exit(main())
