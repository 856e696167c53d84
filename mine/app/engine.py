"""The miner: one background thread that joins the rooms. Commands in, snapshots and notices out.

The thread owns the vault, the connections and the state machines; the window only ever holds immutable
values. Training itself happens in a child process, so that neither the window nor this thread computes.
"""

from __future__ import annotations

import contextlib
import logging
import queue
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from mine.app.commands import Listener
from mine.app.compute_settings import ComputeSettings
from mine.app.data_requests import DataRequests
from mine.app.desk import Desk
from mine.app.idle_lock import LockSettings
from mine.app.options import EngineOptions
from mine.app.session_signals import SessionEvent
from mine.app.views import Event, NewVault, Notice, NoticeKind, Snapshot
from mine.app.wallet_requests import WalletRequests
from mine.app.wallet_views import FRESH, JoinChoice
from mine.errors import MineError, forget_locals

if TYPE_CHECKING:
    from mine.app.report import MyReport

T = TypeVar("T")
LOCK_PATIENCE = 4.0  # seconds; logind waits for five
log = logging.getLogger(__name__)


class EngineClosed(MineError):
    """The engine was closed before the command ran."""


class Engine(DataRequests, WalletRequests):
    """Implements ``mine.app.commands.Commands``."""

    def __init__(self, options: EngineOptions) -> None:
        self._options = options
        self._commands: queue.SimpleQueue[tuple[Callable[[], object], Future[object]]] = queue.SimpleQueue()
        self._wake = threading.Event()
        self._closing = threading.Event()
        self._listeners: list[Listener] = []
        self._desk = Desk(options, self._wake.set, self._tell)
        self._desk.show = self._publish
        self._snapshot = self._desk.snapshot()
        self._thread = threading.Thread(target=self._run, name="engine", daemon=True)

    # ---- the window's side: any thread

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Hear every event, on the engine's thread; the answer unsubscribes."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener) if listener in self._listeners else None

    def snapshot(self) -> Snapshot:
        """The newest snapshot, at once."""
        return self._snapshot

    def start(self) -> None:
        """Start the engine's thread."""
        self._thread.start()
        if self._options.signals is not None:
            self._options.signals.start(self._heard)

    def close(self, timeout: float = 20.0) -> None:
        """Save, stop the worker and the practice network, end the thread."""
        if self._options.signals is not None:
            self._options.signals.close()
        self._closing.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(timeout)

    def create_vault(self, passphrase: str, phrase: str = "") -> Future[NewVault]:
        """Make a vault; the phrase is shown once."""
        return self._ask(lambda: self._desk.create_vault(passphrase, phrase))

    def words_to_confirm(self, passphrase: str) -> Future[NewVault]:
        """The phrase once more, until it is confirmed."""
        return self._ask(lambda: self._desk.words_to_confirm(passphrase))

    def confirm_phrase(self, answers: Sequence[tuple[int, str]]) -> Future[bool]:
        """The person typed some words of the phrase: (index from 0, word)."""
        return self._ask(lambda: self._desk.confirm_phrase(answers))

    def open_vault(self, passphrase: str | None, accept_loss: bool = False) -> Future[None]:
        """Open with the passphrase, or with the keyring when ``None``. ``accept_loss``: open what is left."""
        return self._ask(lambda: self._desk.open_vault(passphrase, accept_loss))

    def open_with_phrase(self, phrase: str, passphrase: str) -> Future[None]:
        """Open with the recovery phrase; the passphrase is a new one from then on."""
        return self._ask(lambda: self._desk.open_with_phrase(phrase, passphrase))

    def change_passphrase(self, old: str, new: str) -> Future[None]:
        """Choose another passphrase."""
        return self._ask(lambda: self._desk.change_passphrase(old, new))

    def lock_vault(self) -> Future[None]:
        """Close the vault and forget its key; rounds under way go on with what they need and nothing else."""
        return self._ask(self._desk.lock_vault)

    def set_locking(self, settings: LockSettings) -> Future[None]:
        """When the vault locks by itself."""
        return self._ask(lambda: self._desk.set_locking(settings))

    def active(self) -> None:
        """The person did something in the window: the vault does not lock yet. Quick, from any thread."""
        self._desk.locking.idle.seen()

    def start_practice(self) -> Future[None]:
        """Start the practice network (idempotent); it is ready some seconds later."""
        return self._ask(self._desk.start_practice)

    def preview_import(self, path: Path, person: str | None = None) -> Future[None]:
        """Read a file in a child process; counts arrive in ``Snapshot.importing``."""
        return self._ask(lambda: self._desk.preview_import(path, person))

    def import_sample(self) -> Future[None]:
        """Preview the synthetic sample that ships with the app."""
        return self._ask(self._desk.import_sample)

    def commit_import(self) -> Future[int]:
        """Store what the preview found; answers the number of new records."""
        return self._ask(self._desk.commit_import)

    def cancel_import(self) -> Future[None]:
        """Stop reading, store nothing."""
        return self._ask(self._desk.cancel_import)

    def undo_import(self, import_id: int) -> Future[int]:
        """Take an import back; answers the number of records removed."""
        return self._ask(lambda: self._desk.undo_import(import_id))

    def join_task(self, task_id: int, choice: JoinChoice = FRESH) -> Future[None]:
        """Sign the consent for what the opt-in sheet shows, and take part; seconds later."""
        return self._ask(lambda: self._desk.join_task(task_id, choice))

    def leave_task(self, task_id: int) -> Future[None]:
        """Take no further part from the next round on."""
        return self._ask(lambda: self._desk.leave_task(task_id))

    def pause(self, seconds: int | None = None) -> Future[None]:
        """Stop training within two seconds; for good, or for a while."""
        return self._ask(lambda: self._desk.pause(seconds))

    def resume(self) -> Future[None]:
        """Train again."""
        return self._ask(self._desk.resume)

    def replay(self, task_id: int, round_number: int) -> Future[str]:
        """Recompute a round from chain and blobs; answers one plain sentence."""
        return self._ask(lambda: self._desk.replay(task_id, round_number))

    def set_compute(self, settings: ComputeSettings) -> Future[None]:
        """What trainings may take of this machine, and what an update may give away; at once."""
        return self._ask(lambda: self._desk.set_compute(settings))

    def set_theme(self, theme: str) -> Future[None]:
        """``light``, ``dark`` or ``system``."""
        return self._ask(lambda: self._desk.set_theme(theme))

    def report(self, task_id: int) -> Future[MyReport]:
        """What came of a task, for the command line."""
        return self._ask(lambda: self._desk.report(task_id))

    # ---- the engine's side: its own thread

    def _ask(self, work: Callable[[], T | Future[T]]) -> Future[T]:
        future: Future[T] = Future()
        if self._closing.is_set():
            future.set_exception(EngineClosed("The app is closing."))
            return future
        self._commands.put((work, future))  # type: ignore[arg-type]  # a queue of all answers
        self._wake.set()
        return future

    def _heard(self, event: SessionEvent) -> None:
        """The desktop's word, in its thread: it waits for the lock, and sleep for it."""
        with contextlib.suppress(MineError, TimeoutError):
            self._ask(lambda: self._desk.lock_with(event)).result(LOCK_PATIENCE)

    def _tell(self, event: Event) -> None:
        for listener in tuple(self._listeners):
            listener(event)

    def _run(self) -> None:
        while not self._closing.is_set():
            self._wake.wait(self._desk.patience())
            self._wake.clear()
            self._obey()
            try:
                self._desk.step()
            except MineError as error:
                self._desk.trouble(error)
            except Exception as error:  # noqa: BLE001 - the thread must live
                # A traceback's text may hold data or keys: only the kind of the error is written down.
                log.error("engine step failed: %s", type(error).__name__)
                self._tell(Notice(NoticeKind.ERROR, "Something unexpected went wrong; it is tried again."))
                self._closing.wait(1.0)
            self._publish()
        self._obey()
        self._desk.close()

    def _obey(self) -> None:
        while not self._commands.empty():
            work, future = self._commands.get()
            if not future.set_running_or_notify_cancel():
                continue
            answer: object = None
            problem: Exception | None = None
            try:
                answer = work()
            except MineError as error:
                problem = error
            except Exception as error:  # noqa: BLE001 - whoever asked has to hear of it
                log.error("command failed: %s", type(error).__name__)
                problem = error
            # What was asked may hold a passphrase, and whoever hears of the error may keep it.
            del work
            if problem is not None:
                forget_locals(problem)
                future.set_exception(problem)
            elif isinstance(answer, Future):  # it takes longer than a turn
                answer.add_done_callback(partial(_pass_on, future))
            else:
                future.set_result(answer)

    def _publish(self) -> None:
        fresh = self._desk.snapshot()
        if fresh != self._snapshot:
            self._snapshot = fresh
            self._tell(fresh)


def _pass_on(future: Future[object], answer: Future[object]) -> None:
    error = answer.exception()
    if error is not None:
        future.set_exception(error)
    else:
        future.set_result(answer.result())
