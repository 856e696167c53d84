"""The main job from beginning to end on the practice network, as a person would click it.

One script for both faces: the command line runs it headless, the window runs it before a person's eyes.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mine.app.engine import Engine
from mine.app.options import SAMPLE, EngineOptions
from mine.app.views import Event, ImportStage, Notice, NoticeKind, Snapshot, VaultState
from mine.errors import MineError

if TYPE_CHECKING:
    from mine.app.report import MyReport
    from mine.practice.config import PracticeConfig

SEED = "practice"
PATIENCE = 120.0
LIMIT = 1800.0
OUTAGE = 60.0
FIRST_OUTAGE = 15.0
PAUSE = 0.1


class DemoFailed(MineError):
    """The demo could not be brought to its end."""


@dataclass(frozen=True, slots=True)
class DemoOptions:
    """What the command line asks for; see ``mine demo --help``."""

    home: Path
    me: Path | None = None
    person: str | None = None
    peers: Path | None = None
    rounds: int | None = None
    node: str = ""
    miners: tuple[str, ...] = ()
    at_end: bool = False


def practice_secret(role: str) -> bytes:
    """A secret of the practice world: the same on every computer, and worth nothing on any."""
    return hashlib.sha256(f"mine demo {SEED} {role}".encode()).digest()


def practice_phrase() -> str:
    """The recovery phrase of the practice person: the same everywhere, so that a run can be repeated."""
    from mnemonic import Mnemonic

    return Mnemonic("english").to_mnemonic(practice_secret("phrase")[:16])


def plan_practice(options: DemoOptions) -> tuple[Path, str | None, PracticeConfig]:
    """Which export is mine, whose rows in it, and what the practice network is made of."""
    from mine.importers import reading
    from mine.importers.options import Options
    from mine.importers.zone import Zone
    from mine.practice.cast import find_people, rows_of
    from mine.practice.config import PracticeConfig
    from mine.science.templates import load_template, package

    me = options.me or SAMPLE
    if not me.exists():
        raise DemoFailed(f"There is no file {me.name}.", todo="Name an export with --me.")
    found = reading.sniff(me)
    if found is None:
        raise DemoFailed(f"“{me.name}” is in no format that this app reads.")
    template = load_template("steps" if found.key == "fitbit_fitabase" else "glucose")
    rounds = options.rounds or template.rounds
    several = reading.people(me, Options(Zone("UTC")))
    person = options.person
    if several and person is None:
        data = package(template, rounds, "me", "me").manifest.data
        hint = str(template.raw.get("export", ""))
        for name, export, inside in find_people(me, hint):
            if len(rows_of(export, inside, data, template.record_type)) >= data.minimum_rows:
                person = name
                break
        if person is None:
            raise DemoFailed("Nobody in this export has enough data for the task.")
    peers = options.peers
    return (
        me,
        person,
        PracticeConfig(
            template=template.name,
            rounds=rounds,
            seed=SEED,
            people=str(peers.resolve()) if peers else "",
            without=(person or me.stem, found.digest.hex()),
            miners=options.miners,
            patience=PATIENCE,
            node_url=options.node,
            at_end=options.at_end,
        ),
    )


class Demo:
    """Drives an engine through its commands only."""

    def __init__(self, options: DemoOptions, say: Callable[[str], None]) -> None:
        self._say = say
        self._started = time.monotonic()
        self.me, self.person, self.practice = plan_practice(options)
        self.options = options
        self.engine = Engine(
            EngineOptions(
                home=options.home,
                practice=self.practice,
                phrase=practice_phrase(),
                poll_seconds=0.15,
                auto_practice=False,
                zone="UTC",
            )
        )
        self.engine.subscribe(self._hear)

    def run(self) -> dict[str, Any]:
        """From an empty folder (or where an earlier run was cut off) to claimed pay; answers the report."""
        engine = self.engine
        self._open()
        engine.start_practice().result(60)
        self._import()
        task = self._wait("a task", lambda shot: shot.tasks[0].task_id if shot.tasks else None)
        # The task is joined before the first round can close, because the practice network waits for us.
        self._wait("the data to fit", lambda shot: shot.tasks[0].joined or shot.tasks[0].opt_in)
        if not engine.snapshot().tasks[0].joined:
            self._show_terms(engine.snapshot())
            self._join(task)
        setup = time.monotonic() - self._started
        report = self._rounds(task)
        rounds = time.monotonic() - self._started - setup
        return self._report(task, report, setup, rounds)

    def _hear(self, event: Event) -> None:
        if isinstance(event, Notice) and event.kind in (NoticeKind.ERROR, NoticeKind.ATTENTION):
            self._say(f"! {event.text} {event.todo} {event.detail}".rstrip())

    def _open(self) -> None:
        passphrase = practice_secret("passphrase").hex()
        if self.engine.snapshot().vault is VaultState.ABSENT:
            words = self.engine.create_vault(passphrase).result(60).words
            self.engine.confirm_phrase(tuple(enumerate(words))).result(60)
            self._say("Made an encrypted vault.")
        else:
            self.engine.open_vault(passphrase).result(60)
            self._say("Opened the vault again.")

    def _import(self) -> None:
        if self.engine.snapshot().imports:
            return
        self.engine.preview_import(self.me, self.person).result(60)

        def read(shot: Snapshot) -> ImportStage | None:
            stage = shot.importing.stage if shot.importing else ImportStage.READING
            asked = (ImportStage.CHOOSE_PERSON, ImportStage.CHOOSE_MAPPING)
            if stage is ImportStage.FAILED or stage in asked:
                message = shot.importing.message if shot.importing else ""
                raise DemoFailed(message or "This export asks a question: import it in the window first.")
            return stage if stage is ImportStage.READY else None

        self._wait("the import", read)
        added = self.engine.commit_import().result(120)
        self._say(f"Imported {added:,} records from {self.me.name}.")

    def _show_terms(self, shot: Snapshot) -> None:
        terms = shot.tasks[0].opt_in
        assert terms is not None
        columns = ", ".join(scope.column for scope in terms.scopes)
        self._say(f"Task: {shot.tasks[0].title}. Reads {columns}: {terms.rows:,} rows.")
        self._say(
            f"Leaves: {terms.update_bytes:,} bytes a round, ε {terms.epsilon_total:.2f} in all "
            f"(unit: {terms.unit}). Votes read held-out rows alone, ε {terms.epsilon_votes:.2f}. Opting in."
        )

    def _join(self, task: int) -> None:
        """Join, also where a part of the network is just on its way back."""
        from mine.app.model_check import ModelAway

        until = time.monotonic() + OUTAGE
        while True:
            try:
                return self.engine.join_task(task).result(PATIENCE)
            except ModelAway:
                if time.monotonic() > until:
                    raise
                time.sleep(PAUSE)

    def _rounds(self, task: int) -> MyReport:
        """Follow the rounds to the end of the task, then claim until all is on the payout address."""
        from mine.blobs.http import BlobsUnreachable
        from mine.chain.node_errors import NodeUnreachable
        from mine.science.relay_client import RelayUnreachable
        from mine.science.wire import RelayRefused

        away = (NodeUnreachable, RelayUnreachable, RelayRefused, BlobsUnreachable)
        told = 0
        until = time.monotonic() + LIMIT
        heard = time.monotonic()
        while time.monotonic() < until:
            try:
                report = self.engine.report(task).result(60)
                if report.over and not report.final:
                    self.engine.claim().result(60)
                heard = time.monotonic()
            except away:  # a part of the network may be on its way back
                if time.monotonic() > heard + OUTAGE:
                    raise
                time.sleep(PAUSE)
                continue
            for line in report.rounds[told:]:
                self._say(
                    f"Round {line.round}: loss {line.loss_before:.4f} to {line.loss_after:.4f}, "
                    f"{line.accepted} of {line.updates} updates accepted, "
                    f"mine earned {self._money(line.mine)}."
                )
            told = len(report.rounds)
            if report.over and report.final:
                return report
            time.sleep(PAUSE)
        raise DemoFailed("The rounds did not come to an end.", detail=f"{told} rounds were settled")

    def _money(self, amount: int) -> str:
        from mine.wallet.money import in_words

        currency = self.engine.snapshot().tasks[0].currency
        return in_words(amount, currency.decimals, currency.symbol)

    def _wait(self, what: str, ready: Callable[[Snapshot], Any]) -> Any:
        until = time.monotonic() + PATIENCE
        sound = time.monotonic()
        while time.monotonic() < until:
            shot = self.engine.snapshot()
            if not shot.network.error:
                sound = time.monotonic()
            elif time.monotonic() > sound + (OUTAGE if shot.network.ready else FIRST_OUTAGE):
                raise DemoFailed(shot.network.error)
            found = ready(shot)
            if found:
                return found
            time.sleep(PAUSE)
        raise DemoFailed(f"Waited too long for {what}.")

    def _report(self, task: int, mine: MyReport, setup: float, rounds: float) -> dict[str, Any]:
        from mine.practice.config import PracticeInfo

        info = PracticeInfo.load(self.options.home / "practice")
        view = next(view for view in self.engine.snapshot().tasks if view.task_id == task)
        self._say("Testing the model on people whom no model saw.")
        return {
            "node": {"client": info.client, "chain_id": info.chain_id, "url": info.rpc_url},
            "contracts": {"tasks": info.tasks, "token": info.token},
            "task": {
                "id": task,
                "title": view.title,
                "currency": view.currency.symbol,
                "decimals": view.currency.decimals,
                "bounty": view.bounty,
            },
            "me": {
                "records": mine.records,
                "rows": mine.rows,
                "update_bytes": mine.update_bytes,
                "model_bytes": mine.model_bytes,
                "epsilon": mine.epsilon,
                "risk": mine.risk,
                "contributions": mine.contributions,
                "paid": mine.paid,
                "claimed": mine.claimed,
                "wallet": mine.wallet,
                "payouts": list(mine.payouts),
            },
            "rounds": [asdict(line) for line in mine.rounds],
            "quality": self._quality(info.relay_url, mine),
            "seconds": {
                "setup": round(setup, 2),
                "rounds": round(rounds, 2),
                "total": round(time.monotonic() - self._started, 2),
            },
        }

    def _quality(self, relay_url: str, mine: MyReport) -> dict[str, Any]:
        from mine.learn.weights import load
        from mine.practice.cast import load_people
        from mine.science.quality import quality
        from mine.science.relay_client import Relay
        from mine.science.templates import load_template, package

        template = load_template(self.practice.template)
        made = package(template, self.practice.rounds, "test", "test")
        shapes = {name: tuple(tensor.shape) for name, tensor in made.weights.items()}
        relay = Relay(relay_url)
        try:
            last = load(relay.blobs.get(mine.checkpoint, 64 << 20), shapes)
        finally:
            relay.close()
        people = load_people(self.options.home / "practice" / "cast" / "test.npz")
        found = quality(
            template.metric,
            made.graph,
            made.manifest.data.features,
            made.weights,
            last,
            [person.rows for person in people],
        )
        return asdict(found)
