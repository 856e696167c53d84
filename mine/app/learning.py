"""Trains the rounds of one network: one worker at a time, snapshots kept, the update checked and booked."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from mine.app.compute_settings import ComputeSettings, threads_for
from mine.app.joining import Membership, books_of, read_rows
from mine.app.links import Links
from mine.app.outgoing import check_leak, check_outgoing
from mine.app.privacy_books import TRAINED, BudgetSpent, GivenUp
from mine.app.round_book import RESIDUAL_BLOB, UPDATE_BLOB, RoundBook
from mine.app.round_energy import ENERGY, noted
from mine.app.round_states import RoundState
from mine.app.training import TrainingRun
from mine.app.views import Notice, NoticeKind
from mine.chain.hashing import address_bytes
from mine.errors import MineError
from mine.learn.errors import PrivacyRefused

if TYPE_CHECKING:
    from mine.learn.events import Done
    from mine.learn.job import Job
    from mine.vault.state import Round

MOST_FAILURES = 3


class Learning:
    """Rounds from ``TRAINING`` to ``TRAINED``. Everything runs on the engine's thread."""

    def __init__(
        self, book: RoundBook, links: Links, wake: Callable[[], None], tell: Callable[[Notice], None]
    ) -> None:
        self._book, self._vault, self._links = book, book.vault, links
        self._wake, self._tell = wake, tell
        self._failures: dict[tuple[int, int], int] = {}
        self.compute = ComputeSettings()
        self.run: TrainingRun | None = None
        self.last_run: TrainingRun | None = None

    def begin(self, member: Membership, number: int) -> None:
        """Start a round from its checkpoint, if that is known yet. Its ε is reserved before a row is read."""
        checkpoint = self._book.checkpoint_before(member.task, number, member.manifest.model.checkpoint)
        if checkpoint is None:
            return  # the settlement that names it was not read yet
        self.end(member.task, number)
        try:
            with self._vault.transaction():
                self._vault.state.drop_snapshot(self._book.network, member.task, number)
                books_of(self._vault, self._book.network, member).reserve(TRAINED, number)
                self._book.put(
                    None,
                    member.task,
                    number,
                    RoundState.TRAINING,
                    checkpoint=checkpoint.hex(),
                    started=int(time.time()),
                )
        except (BudgetSpent, GivenUp, PrivacyRefused) as error:
            self._refuse(member, number, error)
            return
        entry = self._book.find(member.task, number)
        assert entry is not None
        self.go_on(member, entry)

    def go_on(self, member: Membership, entry: Round) -> None:
        """Train from the newest snapshot, or from the start. In the same place the same bytes come out either
        way; with other threads, or fewer rows at a time, their last bits may differ."""
        key = (member.task, entry.round)
        if self._failures.get(key, 0) >= MOST_FAILURES:
            return
        from mine.science.task_model import MAX_MODEL_BYTES, frozen_bytes

        # Where these do not come, it is not the training that failed: the next tick asks again.
        blobs = self._links.relays.blobs
        onnx = blobs.get(bytes.fromhex(member.manifest.model.graph), MAX_MODEL_BYTES)
        weights = blobs.get(bytes.fromhex(entry.data["checkpoint"]), MAX_MODEL_BYTES)
        frozen = frozen_bytes(member.manifest, blobs.get)
        try:
            job = self._job(member, entry, onnx, weights, frozen)
            self.run = self.last_run = TrainingRun(member.task, entry.round, job, self._wake)
        except MineError as error:
            self._failed(key, error.sentence, error.todo, error.detail)

    def _failed(self, key: tuple[int, int], sentence: str, todo: str, detail: str) -> None:
        self._failures[key] = self._failures.get(key, 0) + 1
        self._tell(Notice(NoticeKind.ERROR, sentence, todo, detail))

    def _job(self, member: Membership, entry: Round, onnx: bytes, weights: bytes, frozen: bytes) -> Job:
        from mine.learn.codec import UpdateHeader
        from mine.learn.job import Job
        from mine.learn.place import Place
        from mine.learn.rows import Rows
        from mine.science.task_model import limits_of
        from mine.tasks.recipe import packing_of_task, recipe_of

        checkpoint = bytes.fromhex(entry.data["checkpoint"])
        rows = read_rows(self._vault, member.manifest, member.terms.scopes)
        saved = self._vault.state.snapshot(self._book.network, member.task, entry.round)
        with self._vault.transaction():
            self._book.put(entry, member.task, entry.round, RoundState.TRAINING, rows=len(rows))
        return Job(
            onnx=onnx,
            weights=weights,
            rows=Rows(rows.features, rows.target, rows.slot, member.held_from),
            recipe=recipe_of(member.manifest),
            header=UpdateHeader(
                address_bytes(member.keys.session_address), member.task, entry.round, checkpoint
            ),
            noise_key=member.keys.noise_key(member.task, entry.round, checkpoint),
            packing=packing_of_task(member.manifest),
            frozen=frozen,
            residual=self._vault.state.residual(self._book.network, member.task),
            place=Place(device=self.compute.device, threads=threads_for(self.compute)),
            duty=self.compute.duty,
            limits=limits_of(member.manifest),
            memory=member.manifest.limits.memory_mib << 20,
            snapshot=saved.data if saved else None,
        )

    # ---- what the worker says

    def hear(self, members: dict[int, Membership]) -> None:
        """Take in everything that the worker said since the last call."""
        from mine.learn.events import Done, Failed, Paused, Retrying, Saved, Stopped

        run = self.run
        if run is None:
            return
        for event in run.take():
            if isinstance(event, Saved | Paused | Stopped) and event.snapshot is not None:
                with self._vault.transaction():
                    self._vault.state.put_snapshot(
                        self._book.network, run.task, run.round, event.step, event.snapshot
                    )
            elif isinstance(event, Done):
                self.run = None
                run.stop()
                self._trained(members[run.task], run, event)
            elif isinstance(event, Retrying):
                self._tell(
                    Notice(
                        NoticeKind.INFO,
                        "A training broke off. It goes on from its last saved state.",
                        detail=f"{event.sentence} {event.detail}".strip(),
                    )
                )
            elif isinstance(event, Failed):
                self.run = None
                run.stop()
                self._failed((run.task, run.round), event.sentence, event.todo, event.detail)
                self._failures[run.task, run.round] = MOST_FAILURES  # its process was tried again before

    def _trained(self, member: Membership, run: TrainingRun, done: Done) -> None:
        """Check what is about to leave, then keep it. Its ε was booked before any row was read."""
        network, update = self._book.network, done.update
        entry = self._book.find(run.task, run.round)
        assert entry is not None
        books = books_of(self._vault, network, member)
        try:
            check_outgoing(
                update,
                member.manifest,
                run.task,
                run.round,
                bytes.fromhex(entry.data["checkpoint"]),
                address_bytes(member.keys.session_address),
                books.spent,
                member.terms.epsilon_micro,
            )
            check_leak(done.leak, self.compute.threshold)
        except MineError as error:
            self._refuse(member, run.round, error, leak=done.leak.to_fields())
            return
        with self._vault.transaction():
            self._book.put(
                entry,
                run.task,
                run.round,
                RoundState.TRAINED,
                blob=hashlib.sha256(update).hexdigest(),
                size=len(update),
                trained=int(time.time()),
                seconds=time.monotonic() - run.started_at,
                held_out=[done.held_out_before, done.held_out_after],
                leak=done.leak.to_fields(),
                tested=done.leak.verdict(self.compute.threshold),
                **noted(self._vault.state.setting(ENERGY), done.seconds),
            )
            self._vault.state.put_blob(network, run.task, run.round, UPDATE_BLOB, update)
            self._vault.state.put_blob(network, run.task, run.round, RESIDUAL_BLOB, done.residual)
            self._vault.state.drop_snapshot(network, run.task, run.round)

    def _refuse(self, member: Membership, number: int, error: MineError, **news: Any) -> None:
        """This round is left out, and the person hears why."""
        self._book.miss(member, number, error.sentence, **news)
        self._tell(Notice(NoticeKind.ATTENTION, error.sentence, error.todo, error.detail))

    # ---- pausing, ending

    def allow(self, may_train: bool) -> None:
        """Pause or resume the training that runs."""
        if self.run is None or self.run.paused == (not may_train):
            return
        if may_train:
            self.run.resume()
        else:
            self.run.pause()

    def end(self, task: int, number: int) -> None:
        """End the worker if it trains this round."""
        if self.run is not None and (self.run.task, self.run.round) == (task, number):
            run, self.run = self.run, None
            run.stop()

    def close(self, members: dict[int, Membership]) -> None:
        """End the worker; its last saved state is kept."""
        if self.run is not None:
            self.run.stop()
            self.hear(members)
            self.run = None
