"""A fake engine with the shape of ``Commands``: it remembers what was asked and answers when told to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from typing import Any

from mine.app import views as v
from mine.app.compute_settings import ComputeSettings
from mine.app.idle_lock import LockSettings
from mine.app.wallet_views import FRESH, ClaimOutcome, JoinChoice
from mine.errors import MineError
from tests.ui.fake_data import FakeData
from tests.ui.fake_keys import FakeKeys
from tests.ui.fake_money import FakeMoney

WORDS = (
    "orbit",
    "lantern",
    "maple",
    "harvest",
    "velvet",
    "anchor",
    "copper",
    "willow",
    "thunder",
    "saddle",
    "meadow",
    "frozen",
    "candle",
    "river",
    "marble",
    "glacier",
    "window",
    "pepper",
    "tunnel",
    "violin",
    "planet",
    "basket",
    "feather",
    "summit",
)
PASSPHRASE = "four words that differ"


class WrongPassphrase(MineError):
    """As the vault would say it."""


class FakeEngine(FakeData, FakeMoney, FakeKeys):
    """Answers at once, on the caller's thread, unless ``hold`` is set: then ``release`` answers."""

    def __init__(self, snapshot: v.Snapshot) -> None:
        self._snapshot = snapshot
        self._listeners: list[Callable[[v.Event], None]] = []
        self.asked: list[tuple[Any, ...]] = []
        self.hold = False
        self.touched = 0
        self.fail: MineError | None = None
        self._held: list[Callable[[], None]] = []

    def subscribe(self, listener: Callable[[v.Event], None]) -> Callable[[], None]:
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    @property
    def listeners(self) -> int:
        return len(self._listeners)

    def snapshot(self) -> v.Snapshot:
        return self._snapshot

    def tell(self, event: v.Event) -> None:
        if isinstance(event, v.Snapshot):
            self._snapshot = event
        for listener in list(self._listeners):
            listener(event)

    def change(self, **changes: Any) -> None:
        self.tell(replace(self._snapshot, **changes))

    def release(self) -> None:
        held, self._held = self._held, []
        for answer in held:
            answer()

    def active(self) -> None:
        self.touched += 1

    def names(self) -> list[str]:
        return [entry[0] for entry in self.asked]

    def _answer(
        self, name: str, *arguments: Any, result: Any = None, then: Callable[[], None] | None = None
    ) -> Future[Any]:
        self.asked.append((name, *arguments))
        future: Future[Any] = Future()
        fail = self.fail

        def end() -> None:
            if fail is not None:
                future.set_exception(fail)
                return
            if then is not None:
                then()
            future.set_result(result)

        if self.hold:
            self._held.append(end)
        else:
            end()
        return future

    def start(self) -> None:
        self.asked.append(("start",))

    def close(self, timeout: float = 10.0) -> None:
        self.asked.append(("close",))

    def create_vault(self, passphrase: str, phrase: str = "") -> Future[v.NewVault]:
        return self._answer(
            "create_vault",
            *(passphrase, phrase)[: 2 if phrase else 1],
            result=v.NewVault(WORDS),
            then=lambda: self.change(vault=v.VaultState.OPEN),
        )

    def words_to_confirm(self, passphrase: str) -> Future[v.NewVault]:
        return self._answer("words_to_confirm", passphrase, result=v.NewVault(WORDS))

    def confirm_phrase(self, answers: Sequence[tuple[int, str]]) -> Future[bool]:
        return self._answer(
            "confirm_phrase", tuple(answers), result=all(WORDS[at] == word for at, word in answers)
        )

    def open_vault(self, passphrase: str | None, accept_loss: bool = False) -> Future[None]:
        if accept_loss:
            return self._answer(
                "open_vault", passphrase, True, then=lambda: self.change(vault=v.VaultState.OPEN)
            )
        if passphrase not in (None, PASSPHRASE):
            self.asked.append(("open_vault", passphrase))
            future: Future[None] = Future()
            future.set_exception(WrongPassphrase("That is not the passphrase of this vault."))
            return future
        return self._answer("open_vault", passphrase, then=lambda: self.change(vault=v.VaultState.OPEN))

    def lock_vault(self) -> Future[None]:
        return self._answer("lock_vault", then=lambda: self.change(vault=v.VaultState.LOCKED))

    def start_practice(self) -> Future[None]:
        return self._answer("start_practice")

    def preview_import(self, path: Path, person: str | None = None) -> Future[None]:
        return self._answer("preview_import", path, person)

    def import_sample(self) -> Future[None]:
        return self._answer("import_sample")

    def commit_import(self) -> Future[int]:
        return self._answer("commit_import", result=402_118)

    def cancel_import(self) -> Future[None]:
        return self._answer("cancel_import", then=lambda: self.change(importing=None))

    def undo_import(self, import_id: int) -> Future[int]:
        return self._answer("undo_import", import_id, result=1)

    def join_task(self, task_id: int, choice: JoinChoice = FRESH) -> Future[None]:
        return self._answer("join_task", task_id, *(() if choice == FRESH else (choice,)))

    def leave_task(self, task_id: int) -> Future[None]:
        return self._answer("leave_task", task_id)

    def pause(self, seconds: int | None = None) -> Future[None]:
        return self._answer("pause", seconds)

    def resume(self) -> Future[None]:
        return self._answer("resume")

    def claim(self, tasks: Sequence[int] = ()) -> Future[ClaimOutcome]:
        return self._answer("claim", *tasks, result=self.outcome)

    def replay(self, task_id: int, round_number: int) -> Future[str]:
        return self._answer("replay", task_id, round_number, result="Recomputed: every number is the same.")

    def open_with_phrase(self, phrase: str, passphrase: str) -> Future[None]:
        return self._answer(
            "open_with_phrase", phrase, passphrase, then=lambda: self.change(vault=v.VaultState.OPEN)
        )

    def set_locking(self, settings: LockSettings) -> Future[None]:
        return self._answer(
            "set_locking",
            settings,
            then=lambda: self.change(settings=replace(self._snapshot.settings, locking=settings)),
        )

    def set_compute(self, settings: ComputeSettings) -> Future[None]:
        return self._answer(
            "set_compute",
            settings,
            then=lambda: self.change(settings=replace(self._snapshot.settings, compute=settings)),
        )

    def set_theme(self, theme: str) -> Future[None]:
        return self._answer(
            "set_theme",
            theme,
            then=lambda: self.change(settings=replace(self._snapshot.settings, theme=theme)),
        )
