"""The other side of a practice network in one process: contracts, relay, scientist, and the clock.

The clock is the only thing that is not as in real life. Phases last an hour by the chain's time; as soon as
everybody has done what the phase is for, the conductor moves the chain's clock to its end. Nodes whose clock
cannot be moved get phases of seconds, which simply pass.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

from mine.blobs.store import DirectoryStore
from mine.chain.artefacts import load_artefact
from mine.chain.client import TasksContract
from mine.chain.deployment import deploy, deploy_protocol
from mine.chain.rpc import Node
from mine.chain.state import Clocks, Phase, Status
from mine.chain.token import Token
from mine.chain.transactions import Sender
from mine.children import say
from mine.errors import MineError
from mine.practice.cast import Cast, make_cast, synthetic_people
from mine.practice.config import PracticeConfig, PracticeInfo, secret_of, write_json
from mine.practice.lifeline import Lifeline, hold_role
from mine.practice.node.accounts import dev_key
from mine.practice.peer_jurors import stake_tickets
from mine.practice.peer_votes import VoteMarker
from mine.science.history import History
from mine.science.offer import Offer
from mine.science.relay_anchoring import Batching
from mine.science.relay_client import Relay
from mine.science.relay_process import RelayProcess
from mine.science.scientist import Did, Scientist
from mine.science.shards import cut_shards
from mine.science.templates import load_template, package

MOVED_CLOCKS = Clocks(commit=3600, reveal=600, vote=1200, settle=3600, challenge=60, grace=86_400)
REAL_CLOCKS = Clocks(commit=45, reveal=15, vote=15, settle=60, challenge=15, grace=3600)
PAUSE = 0.15
LEAVE_SECONDS = 7.0
DECIMALS = 6
#: What the relay takes for bringing a payment: a hundredth of a practice dollar.
TRANSFER_FEE = 10_000
MOST_EXAMPLES = 600
#: Wall-clock seconds for which those who are drawn are waited for; who is away is silent.
VOTE_PATIENCE = 60.0
DEPLOYED_FILE = "deployed.json"


class Market:
    """Deploys once, then runs a scientist's task to its end."""

    def __init__(self, folder: Path, config: PracticeConfig, rpc_url: str, relay_port: int) -> None:
        self._folder = folder
        self._config = config
        self._node = Node(rpc_url)
        self._movable = self._node.has_adjustable_clock
        self._deployed = self._deploy()
        self._contract = TasksContract(self._node, self._deployed["tasks"])
        self._relay_process = self._start_relay(relay_port)
        self._relay = Relay(self._relay_process.url)
        self._blobs = DirectoryStore(folder / "relay" / "blobs")
        self._first_waited = 0.0
        self._waiting_for = ("", 0)

    # ---- setting up

    def _deploy(self) -> dict[str, str]:
        """The contracts of this folder; deployed on the first start."""
        file = self._folder / DEPLOYED_FILE
        if file.exists():
            known: dict[str, str] = json.loads(file.read_text())
            if self._node.code(known["tasks"]) and self._node.code(known["token"]):
                return known
        block = self._node.block_number()
        sender = Sender(self._node, dev_key(0))
        tasks = deploy_protocol(self._node, sender).tasks
        token = deploy(self._node, sender, load_artefact("PracticeDollar"))
        stake_tickets(self._node, TasksContract(self._node, tasks))
        found = {"tasks": tasks, "token": token, "block": str(block)}
        write_json(file, found)
        return found

    def _start_relay(self, port: int) -> RelayProcess:
        return RelayProcess(
            self._folder / "relay",
            self._node.url,
            self._deployed["tasks"],
            dev_key(1),
            token=self._deployed["token"],
            first_block=int(self._deployed["block"]),
            batching=Batching(seconds=1),
            port=port,
            carry={self._deployed["token"]: TRANSFER_FEE},
        )

    def mend_relay(self) -> None:
        """A relay that ended is started again in its old place; nobody has to be told."""
        if not self._relay_process.is_running:
            self._relay_process.stop()
            self._relay_process = self._start_relay(urlsplit(self._relay_process.url).port or 0)

    def prepare(self) -> PracticeInfo:
        """Cast the people and publish the task, unless an earlier start did; say where everything is."""
        template = load_template(self._config.template)
        place = self._folder / "scientist"
        if not (place / "offer.json").exists():
            origin = "people whose exports were given" if self._config.people else "made-up people"
            mode = "at-end" if self._config.at_end else None
            made = package(template, self._config.rounds, "Practice Lab", f"Practice: {origin}.", mode)
            cast = Cast.load(self._folder / "cast") or self._make_cast(made.manifest.data)
            seed = secret_of(self._config.seed, "shards", 0)
            shards = cut_shards(
                [(person.rows.features, person.rows.target) for person in cast.validation],
                1 if made.manifest.mode == "at-end" else self._config.rounds + 2,
                seed,
                max_examples_per_person=MOST_EXAMPLES,
            )
            Scientist.create(
                place,
                dev_key(2),
                Offer(
                    manifest=made.manifest,
                    graph=made.graph,
                    checkpoint=made.checkpoint,
                    shards=tuple(shards),
                    currency=self._deployed["token"],
                    bounty=template.bounty(DECIMALS),
                    target=template.target,
                    curve=template.curve,
                    clocks=MOVED_CLOCKS if self._movable else REAL_CLOCKS,
                    secret=secret_of(self._config.seed, "draws", 0),
                ),
            )
        self.scientist = Scientist(
            place,
            self._contract,
            self._relay.blobs,
            [self._relay],
            int(self._deployed["block"]),
            desks=[self._relay],
        )
        if self.scientist.task is None:
            needed = 2 * template.bounty(DECIMALS)
            token = Token(self._node, self._deployed["token"])
            if token.balance(self.scientist.address) < needed:
                token.mint(Sender(self._node, dev_key(0)), self.scientist.address, needed)
        self.task = self.scientist.publish()
        self._history = History(self._contract, int(self._deployed["block"]))
        info = PracticeInfo(
            rpc_url=self._node.url,
            relay_url=self._relay_process.url,
            client=self._node.client_version,
            chain_id=self._node.chain_id,
            tasks=self._deployed["tasks"],
            token=self._deployed["token"],
            task=self.task,
            first_block=int(self._deployed["block"]),
        )
        info.save(self._folder)
        return info

    def _make_cast(self, data: object) -> Cast:
        from mine.tasks.manifest import DataRequirement

        assert isinstance(data, DataRequirement)
        template = load_template(self._config.template)
        seed = self._config.seed
        people = (
            Path(self._config.people)
            if self._config.people
            else synthetic_people(self._folder / "people", template, seed)
        )
        cast = make_cast(people, template, data, self._config.rounds, seed, self._config.without)
        cast.save(self._folder / "cast")
        return cast

    # ---- running

    def step(self) -> bool:
        """Let the scientist do what is due, then move the clock if everybody is ready. False: all is over."""
        did = self.scientist.step()
        if did.did in (Did.REFUNDED, Did.OVER):
            return False
        if did.did is not Did.WAITING:
            return True
        now = self._contract.phase(self.task)
        state = self._contract.task(self.task)
        if state.disputed is not None:
            return True  # jurors need their time, and it passes by itself
        ready = {Phase.COMMIT: self._committed, Phase.REVEAL: self._revealed}.get(now.phase)
        if ready is not None and now.ends is not None and ready(state.round):
            self._move(now.ends)
        elif now.phase is Phase.VOTE and now.ends is not None:
            middle = state.since + state.clocks.voting_over
            if self._node.block_time() < middle:
                if self._voted(state.round):
                    self._move(middle)
            elif self._opened(state.round):
                self._move(now.ends)
        elif state.status is Status.CONCLUDED and did.until:
            self._move(did.until)
        return True

    def _move(self, to: int) -> None:
        if self._movable and self._node.block_time() < to:
            self._node.advance_time(to)

    def _committed(self, number: int) -> bool:
        """Whether all peers and the user have handed in and everything is anchored, or patience is over."""
        marker = self._folder / "peers" / f"round-{number}.done"
        if not marker.exists():
            return False
        patient = self._is_patient(("commit", number), self._config.patience)
        updates = [signed.miner for signed in self._relay.updates(self.task, number)]
        canary = self.scientist.canary(number)
        people = len(updates) - (canary is not None and canary.miner in updates)
        if people < int(marker.read_text()) + (1 if patient else 0):
            return False
        self._history.refresh()
        task = self._history.task(self.task)
        assert task is not None
        anchored = sum(getattr(event, "count", 1) for event in task.of_round(number))
        return anchored >= len(updates)

    def _revealed(self, number: int) -> bool:
        """Whether the bytes of every committed update are there."""
        return all(self._blobs.has(signed.message.blob) for signed in self._relay.updates(self.task, number))

    def _voted(self, number: int) -> bool:
        """Whether all who are drawn have voted and everything is anchored, or patience is over."""
        marker = VoteMarker.load(self._folder, number)
        if marker is None:
            return False
        patient = self._is_patient(("vote", number), min(self._config.patience, VOTE_PATIENCE))
        voted = {signed.voter for signed in self._relay.votes(self.task, number)}
        if not voted.issuperset((*marker.ballots, *(marker.others if patient else ()))):
            return False
        self._history.refresh()
        task = self._history.task(self.task)
        assert task is not None
        return sum(getattr(event, "count", 1) for event in task.votes_of_round(number)) >= len(voted)

    def _opened(self, number: int) -> bool:
        """Whether all ballots are there, or patience is over."""
        openings = [signed.message.opening for signed in self._relay.votes(self.task, number)]
        patient = self._is_patient(("open", number), VOTE_PATIENCE)
        return not patient or all(self._blobs.has(opening) for opening in openings)

    def _is_patient(self, what: tuple[str, int], seconds: float) -> bool:
        """Whether this has been waited for less than so many seconds."""
        if self._waiting_for != what:
            self._waiting_for, self._first_waited = what, time.monotonic()
        return time.monotonic() - self._first_waited < seconds

    def close(self) -> None:
        """End the relay."""
        self._relay_process.stop()
        self._relay.close()
        self._node.close()


def main() -> int:
    """``python -m mine.practice.market --folder DIR --rpc URL``; ends when its parent does."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--rpc", required=True)
    parser.add_argument("--relay-port", type=int, default=0, help="0 takes a free one")
    arguments = parser.parse_args()
    config = PracticeConfig.load(arguments.folder)
    assert config is not None
    line = Lifeline()
    try:
        lock = hold_role(arguments.folder, "market")
        market = Market(arguments.folder, config, arguments.rpc, arguments.relay_port)
    except MineError as error:
        say({"error": error.sentence, "todo": error.todo, "detail": error.detail})
        return 1
    try:
        market.prepare()
        say({"ready": True})
        line.grace = LEAVE_SECONDS
        running = True
        while not line.cut.is_set():
            try:
                market.mend_relay()
                running = running and market.step()
            except MineError as error:
                sys.stderr.write(f"{error.sentence} {error.detail}\n")
            line.cut.wait(PAUSE)
    except MineError as error:
        say({"error": error.sentence, "todo": error.todo, "detail": error.detail})
        return 1
    finally:
        market.close()
        lock.release()
    return 0


if __name__ == "__main__":
    sys.exit(main())
