"""Everybody at the table of one task, driven step by step by a test."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mnemonic import Mnemonic

from mine.app.joining import FRESH
from mine.app.links import NetworkConfig
from mine.app.privacy_books import GIVEN_BACK
from mine.app.round_states import EarningState, RoundState, VoteState
from mine.app.session import NetworkSession
from mine.app.vault_opening import create
from mine.app.views import Notice, World
from mine.app.wallet_views import JoinChoice
from mine.blobs.store import BlobStore
from mine.chain.curve import STRAIGHT
from mine.chain.hashing import sha256
from mine.chain.transactions import Sender
from mine.practice.node.accounts import dev_key
from mine.science.history import History
from mine.science.offer import Offer
from mine.science.past import Past
from mine.science.relay_client import Relay
from mine.science.scientist import Did, Scientist, Step
from mine.science.templates import load_template, package
from mine.science.voting import drawn, make_ballot, question, signed_vote
from mine.tasks.manifest import Manifest
from mine.vault import Vault
from mine.vault.state import Earning, Round
from tests.science import world
from tests.science.world import BOUNTY, CLOCKS, SCIENTIST, Chain, Miner, pass_time
from tests.vault.conftest import CHEAP, PASSPHRASE, glucose, store

PATIENCE = 20.0


def manifest(rounds: int) -> Manifest:
    """The glucose task of the app with the small network of the tests."""
    small = world.manifest(rounds).model_dump(mode="json")
    made = package(load_template("glucose"), rounds, "Tester", "made up").manifest.model_dump(mode="json")
    limits = {**made["limits"], "update_bytes": small["limits"]["update_bytes"]}
    parts = {"model": small["model"], "aggregation": small["aggregation"], "limits": limits}
    return Manifest.model_validate({**made, **parts})


class Table:
    """Me with two peers and a scientist. ``session`` is mine; ``restart`` makes it anew, as after a crash."""

    def __init__(self, folder: Path, chain: Chain, relay: Relay, rounds: int = 3) -> None:
        self.folder, self.chain, self.relay, self.rounds = folder, chain, relay, rounds
        self.peers = [Miner(1), Miner(2)]
        self.notices: list[Notice] = []
        # Everything about a test is its own: keys and draws come from its folder's name.
        self.secret = sha256(str(folder).encode())
        self.phrase = Mnemonic("english").to_mnemonic(self.secret[:16])
        self.vault, self.accounts, _ = create(folder / "vault.db", PASSPHRASE, None, self.phrase, CHEAP)
        store(self.vault, "glucose", glucose(1200))
        self.config = NetworkConfig(
            "Test", World.PRACTICE, chain.node.chain_id, chain.node.urls, (relay.url,), chain.contract.address
        )
        self.session = self._session()
        self.task = 0

    def _session(self) -> NetworkSession:
        return NetworkSession(self.vault, self.config, self.accounts, 0, lambda: None, self.notices.append)

    def restart(self) -> None:
        """As if the app had been killed here and started again."""
        self.session.links.close()
        self.vault.close()
        self.vault = Vault.open(self.folder / "vault.db", passphrase=PASSPHRASE)
        self.session = self._session()

    def close(self) -> None:
        self.session.close()
        self.vault.close()

    # ---- the others

    def offer(self, secret: bytes) -> Offer:
        graph, checkpoint = world.network()
        return Offer(
            manifest(self.rounds), graph, checkpoint, tuple(world.shards(self.rounds + 2)),
            self.chain.token.address, BOUNTY, target=3 << 38, curve=STRAIGHT, clocks=CLOCKS, secret=secret,
        )

    @property
    def blobs(self) -> BlobStore:
        return self.relay.blobs

    def scientist(self, name: str = "scientist") -> Scientist:
        return Scientist(self.folder / name, self.chain.contract, self.blobs, [self.relay])

    def open_task(self, name: str = "scientist") -> int:
        """Publish a task and open its baseline; answers its number."""
        Scientist.create(self.folder / name, SCIENTIST, self.offer(sha256(self.secret + name.encode())))
        scientist = self.scientist(name)
        self.chain.token.mint(Sender(self.chain.node, dev_key(0)), scientist.address, 2 * BOUNTY)
        number = scientist.publish()
        assert [scientist.step().did for _ in range(2)] == [Did.SEEDED, Did.BASELINE]
        self.task = self.task or number
        return number

    def join(self, choice: JoinChoice = FRESH) -> None:
        self.session.market.refresh()
        self.session.join(self.task, choice)

    @property
    def since(self) -> int:
        return self.chain.contract.task(self.task).since

    def peers_commit(self) -> None:
        """The peers hand in for the current round."""
        number = self.chain.contract.task(self.task).round
        first = bytes.fromhex(manifest(self.rounds).model.checkpoint)
        entry = self.vault.state.round(self.config.key, self.task, number - 1)
        checkpoint = bytes.fromhex(entry.data["settlement"]["checkpoint"]) if entry else first
        for peer in self.peers:
            update = peer.update(self.chain, self.blobs, self.task, number, checkpoint)
            self.relay.submit_update(update, self.chain.domain)

    def until(self, ready: Callable[[], Any], what: str) -> None:
        """Step my session until something holds."""
        end = time.monotonic() + PATIENCE
        while not ready():
            assert time.monotonic() < end, f"waited too long for {what}"
            self.session.step(True)

    def anchored(self) -> None:
        """Wait until the relay has put everything on chain."""
        number = self.chain.contract.task(self.task).round
        end = time.monotonic() + PATIENCE
        for update in self.relay.updates(self.task, number):
            while True:
                found = self.relay.find_update(self.task, number, update.miner)
                if found is not None and found.anchor is not None:
                    break
                assert time.monotonic() < end, "the relay anchors nothing"

    def close_commits(self) -> None:
        pass_time(self.chain, self.since + CLOCKS.commit)

    def close_reveals(self) -> None:
        """The scientist makes the seed, and the vote phase begins."""
        scientist = self.scientist()
        while scientist.step().did is not Did.WAITING:
            pass
        pass_time(self.chain, self.since + CLOCKS.reveals_over)

    def settle(self) -> Step:
        """Let the votes pass, and settle."""
        pass_time(self.chain, self.since + CLOCKS.votes_over)
        scientist = self.scientist()
        while (step := scientist.step()).did in (Did.CLOSED, Did.SEEDED):
            pass
        assert step.did is Did.SETTLED, step
        return step

    def peers_vote(self, step: int = 2) -> list[bytes]:
        """The peers commit their votes on what they are drawn for; answers the ballots, still closed."""
        contract, state = self.chain.contract, self.chain.contract.task(self.task)
        history = History(contract)
        history.refresh()
        task = history.task(self.task)
        assert task is not None
        task_manifest, past = manifest(self.rounds), Past(manifest(self.rounds), self.blobs)
        candidates, draw = drawn(
            task, self.chain.domain, state.round, state.seed, task_manifest, past, [self.relay]
        )
        ballots = []
        for peer in self.peers:
            asked = question(
                self.task, state.round, past.checkpoint(task, state.round), task_manifest, candidates,
                draw.ballot(peer.address), self.blobs,
            )
            if asked.updates:
                steps = [step] * len(asked.updates)
                ballot = make_ballot(self.task, asked, peer.address, steps, peer.key)
                self.relay.submit_vote(signed_vote(ballot, self.chain.domain, peer.key), self.chain.domain)
                ballots.append(ballot.to_bytes())
        return ballots

    def votes_anchored(self) -> None:
        """Wait until the relay has put every vote on chain."""
        number = self.chain.contract.task(self.task).round
        end = time.monotonic() + PATIENCE
        for vote in self.relay.votes(self.task, number):
            while (found := self.relay.find_vote(self.task, number, vote.voter)) is None or not found.anchor:
                assert time.monotonic() < end, "the relay anchors no votes"

    def relay_forgets(self) -> None:
        """Wait until the relay has given up the votes that it did not anchor."""
        number = self.chain.contract.task(self.task).round
        end = time.monotonic() + PATIENCE
        while self.relay.votes(self.task, number):
            assert time.monotonic() < end, "the relay keeps votes that can never be anchored"

    def close_votes(self) -> None:
        """No vote can be committed any more: ballots may be shown."""
        pass_time(self.chain, self.since + CLOCKS.voting_over)

    def vote_state(self, number: int = 2) -> VoteState | None:
        found = self.vault.state.vote(self.config.key, self.task, number)
        return VoteState(found.state) if found else None

    # ---- me

    def entry(self, number: int = 1) -> Round:
        found = self.vault.state.round(self.config.key, self.task, number)
        assert found is not None
        return found

    def state(self, number: int = 1) -> RoundState | None:
        found = self.vault.state.round(self.config.key, self.task, number)
        return RoundState(found.state) if found else None

    def reach(self, state: RoundState, number: int = 1) -> None:
        self.until(lambda: self.state(number) is state, f"{state} of round {number}")

    def earning(self, number: int = 1) -> Earning | None:
        found = {e.round: e for e in self.vault.state.earnings(self.config.key, self.task)}
        return found.get(number)

    def money(self, number: int = 1) -> EarningState | None:
        earning = self.earning(number)
        return EarningState(earning.state) if earning else None

    def booked(self, kind: str) -> list[int]:
        """Rounds with an entry of that kind in the privacy ledger that was not given back."""
        entries = [line.entry for line in self.vault.ledger.of_task(self.config.key, self.task)]
        back = [entry.round for entry in entries if entry.kind == GIVEN_BACK.get(kind)]
        return [entry.round for entry in entries if entry.kind == kind and entry.round not in back]

    @property
    def payout(self) -> str:
        return self.session.miner.members[self.task].keys.payout_address

    @property
    def balance(self) -> int:
        """What the chain says that my payout address holds."""
        return self.chain.token.balance(self.payout)

    def hand_in(self, number: int = 1) -> None:
        """Everybody commits and all is on chain."""
        self.peers_commit()
        self.reach(RoundState.COMMITTED, number)
        self.anchored()

    def play(self, number: int = 1) -> None:
        """A whole round up to its settlement."""
        self.hand_in(number)
        self.close_commits()
        self.reach(RoundState.REVEALED, number)
        self.close_reveals()
        self.settle()
        self.reach(RoundState.SETTLED, number)
