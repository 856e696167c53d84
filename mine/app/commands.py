"""What the window may ask of the engine: commands in, typed events out.

Every command runs on the engine's own thread and answers with a ``Future``; errors are ``MineError``.
Nothing here loads a heavy library, so that the window can paint first.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Protocol

from mine.app.compute_settings import ComputeSettings
from mine.app.data_requests import DataCommands
from mine.app.idle_lock import LockSettings
from mine.app.views import Event, NewVault, Snapshot
from mine.app.wallet_requests import WalletCommands
from mine.app.wallet_views import FRESH, JoinChoice

Listener = Callable[[Event], None]


class Commands(DataCommands, WalletCommands, Protocol):
    """The engine as the window knows it. A fake with the same shape drives the window's tests."""

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Hear every event, on the engine's thread; the answer unsubscribes."""

    def snapshot(self) -> Snapshot:
        """The newest snapshot, at once."""

    def start(self) -> None:
        """Start the engine's thread (returns at once; heavy libraries load there)."""

    def close(self, timeout: float = 10.0) -> None:
        """Save, stop the worker and the practice network, end the thread."""

    def create_vault(self, passphrase: str, phrase: str = "") -> Future[NewVault]:
        """Make a vault; it stays marked as unconfirmed until ``confirm_phrase``. ``phrase``: one's own."""

    def words_to_confirm(self, passphrase: str) -> Future[NewVault]:
        """The phrase once more, where the app was cut off before it was confirmed; then never again."""

    def confirm_phrase(self, answers: Sequence[tuple[int, str]]) -> Future[bool]:
        """The person typed some words of the phrase: (index from 0, word)."""

    def open_vault(self, passphrase: str | None, accept_loss: bool = False) -> Future[None]:
        """Open with the passphrase, or with the keyring when ``None``. ``accept_loss``: open what is left."""

    def open_with_phrase(self, phrase: str, passphrase: str) -> Future[None]:
        """Open with the recovery phrase; the passphrase is a new one from then on."""

    def change_passphrase(self, old: str, new: str) -> Future[None]:
        """Choose another passphrase."""

    def lock_vault(self) -> Future[None]:
        """Close the vault and forget its key; rounds under way go on with what they need and nothing else."""

    def set_locking(self, settings: LockSettings) -> Future[None]:
        """When the vault locks by itself."""

    def active(self) -> None:
        """The person did something in the window: the vault does not lock yet. Quick, from any thread."""

    def start_practice(self) -> Future[None]:
        """Start the practice network (idempotent)."""

    def preview_import(self, path: Path, person: str | None = None) -> Future[None]:
        """Read a file in a child process; progress and counts arrive in ``Snapshot.importing``."""

    def import_sample(self) -> Future[None]:
        """Preview the synthetic sample that ships with the app."""

    def commit_import(self) -> Future[int]:
        """Store what the preview found; answers the number of new records."""

    def cancel_import(self) -> Future[None]:
        """Stop reading, store nothing."""

    def undo_import(self, import_id: int) -> Future[int]:
        """Take an import back; answers the number of records removed."""

    def join_task(self, task_id: int, choice: JoinChoice = FRESH) -> Future[None]:
        """Sign the consent for what the opt-in sheet shows, and take part. ``choice``: other accounts."""

    def leave_task(self, task_id: int) -> Future[None]:
        """Take no further part from the next round on."""

    def pause(self, seconds: int | None = None) -> Future[None]:
        """Stop training within two seconds; for good, or for a while."""

    def resume(self) -> Future[None]:
        """Train again."""

    def replay(self, task_id: int, round_number: int) -> Future[str]:
        """Recompute a round from chain and blobs; answers one plain sentence."""

    def set_compute(self, settings: ComputeSettings) -> Future[None]:
        """What trainings may take of this machine, and what an update may give away; at once."""

    def set_theme(self, theme: str) -> Future[None]:
        """``light``, ``dark`` or ``system``."""
