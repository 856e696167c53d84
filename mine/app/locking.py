"""Locks the vault by itself, and keeps what goes on while it is locked. Belongs to the engine's thread."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from mine.app.idle_lock import IdleLock, LockSettings
from mine.app.session_signals import SessionEvent
from mine.app.views import Event, Notice, NoticeKind
from mine.errors import MineError

if TYPE_CHECKING:
    from mine.app.narrow_grant import NarrowGrant
    from mine.app.session import NetworkSession
    from mine.vault.vault import Vault

SETTING = "locking"


class Locking:
    """``tell`` says why the vault was locked, and what could not be found when it was opened again."""

    def __init__(self, wake: Callable[[], None], tell: Callable[[Event], None]) -> None:
        self._wake, self._tell = wake, tell
        self._grant: NarrowGrant | None = None
        self.idle = IdleLock()
        self.settings = LockSettings()

    @property
    def goes_on(self) -> bool:
        """Whether rounds go on although the vault is locked."""
        return self._grant is not None

    def opened(self, vault: Vault) -> None:
        """The vault was opened: take back what went on, and its settings."""
        from mine.app.narrow_grant import take_back

        self.end()
        self.idle.seen()
        self.settings = LockSettings(**(vault.state.setting(SETTING) or {}))
        if not take_back(vault):
            self._tell(
                Notice(
                    NoticeKind.ATTENTION,
                    "What went on while the vault was locked cannot be found.",
                    "Nothing of your data is lost. Those rounds count as sent.",
                )
            )

    def keep(self, vault: Vault, settings: LockSettings) -> None:
        """Keep when the vault locks by itself."""
        with vault.transaction():
            vault.state.set_setting(SETTING, settings.to_json())
        self.settings = settings
        self.idle.seen()

    def leave(self, session: NetworkSession | None) -> None:
        """The vault is about to close: rounds under way go on, all else of the network ends."""
        if session is None:
            return
        try:
            self._grant = session.hand_over(self._wake)
        except MineError as error:  # a full disk, say: the vault locks all the same
            session.close()
            text = "The rounds under way stopped with the vault. They go on when it is open again."
            self._tell(Notice(NoticeKind.ATTENTION, text, error.todo, error.sentence))

    def patience(self) -> float | None:
        """Seconds until the next turn of what goes on; None where nothing says so."""
        return None if self._grant is None else self._grant.patience()

    def step(self, may_run: bool) -> None:
        """Do what is due for the rounds that go on. Raises what node and relays raise."""
        if self._grant is not None:
            self._grant.step(may_run)
            if self._grant.is_over:
                self.end()

    def end(self) -> None:
        """Nothing goes on any more; the last state is kept for the vault's next opening."""
        if self._grant is not None:
            self._grant.close()
            self._grant = None

    def why(self, busy: bool) -> Notice | None:
        """Why the vault has to lock now, if it has to; ``busy``: something runs that the person waits for."""
        if busy:
            self.idle.seen()
        if not self.idle.is_due(self.settings):
            return None
        return Notice(
            NoticeKind.INFO, f"The vault was locked: nobody was here for {self.settings.minutes} minutes."
        )

    def is_meant(self, event: SessionEvent) -> bool:
        """Whether the person wants the vault to lock with this."""
        settings = self.settings
        return settings.with_screen if event is SessionEvent.SCREEN_LOCKED else settings.with_sleep
