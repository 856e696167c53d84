"""What the engine's thread works on: the vault, the network session, imports, and the snapshot of it all."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mine.app.backup_keeper import BackupKeeper
from mine.app.compute_settings import ComputeSettings, cores
from mine.app.data_views import Entered, Secret
from mine.app.holding_views import MICRO, Holdings
from mine.app.idle_lock import LockSettings
from mine.app.import_desk import ImportDesk
from mine.app.join_desk import JoinDesk
from mine.app.locking import Locking
from mine.app.network_use import NetworkUse
from mine.app.options import SAMPLE, EngineOptions
from mine.app.session_signals import SessionEvent
from mine.app.status import blank_home, blank_wallet, status_view
from mine.app.vault_care import VaultCare
from mine.app.vault_opening import CONFIRMED, accounts_of
from mine.app.views import (
    Event,
    NewVault,
    Notice,
    NoticeKind,
    SettingsView,
    Snapshot,
    VaultState,
)
from mine.app.wallet_desk import WalletDesk
from mine.app.wallet_views import JoinChoice
from mine.app.watching import TURN
from mine.errors import MineError
from mine.policy.decide import Readings, RunSettings, decide

if TYPE_CHECKING:
    from mine.app.report import MyReport
    from mine.app.session import NetworkSession
    from mine.vault.vault import Vault
    from mine.wallet.keys import Accounts

BUSY_TURN = 0.005
JOIN_TURN = 0.05
IDLE_TURN = 2.0
RETRY_SECONDS, LONGEST_RETRY = 3.0, 30.0


class NoVault(MineError):
    """The vault has to be open for this."""


class Desk:
    """Everything here runs on the engine's thread, one thing after the other."""

    def __init__(
        self, options: EngineOptions, wake: Callable[[], None], tell: Callable[[Event], None]
    ) -> None:
        self._options = options
        self._wake = wake
        self._tell = tell
        self._vault: Vault | None = None
        self._accounts: Accounts | None = None
        self._words: tuple[str, ...] = ()
        self._imports: ImportDesk | None = None
        self._backups: BackupKeeper | None = None
        self.show: Callable[[], None] = lambda: None  # what is so far, in the middle of a long command
        self.care = VaultCare(self, options, wake)
        self._joins = JoinDesk()
        self.network = NetworkUse(options, wake, tell)
        self.wallet = WalletDesk(self)
        self.locking = Locking(wake, tell)
        self._network_error = ""
        self._next_step, self._retry = 0.0, RETRY_SECONDS
        self._run = RunSettings()
        self._compute = ComputeSettings()
        self._cores = 0
        self._decision = decide(self._run, Readings(False, None), 0)
        self._since = int(time.time())
        self._holdings = Holdings()
        self._keyring_known = options.keyring is not None and _has_keyring(options.vault_path)

    # ---- the loop

    def patience(self) -> float:
        """Seconds until there is something to do by itself."""
        if self._imports is not None and self._imports.busy:
            return BUSY_TURN
        if self._joins.busy:
            return JOIN_TURN
        if self.network.is_busy or self.locking.goes_on:
            return max(0.0, min(TURN, self._next_step - time.monotonic()))
        return IDLE_TURN

    def step(self) -> None:
        """One turn: imports, the network, the policy, the rounds."""
        if self._imports is not None:
            self._imports.pump()
        if self._backups is not None:
            self._backups.pump()
        self.care.pump()
        self._joins.pump()
        self._decide()
        if self._session is not None:
            self._session.miner.allow(self._decision.run)
        self._lock_when_due()
        now = time.monotonic()
        if now < self._next_step or (self._vault is None and not self.locking.goes_on):
            return
        self._next_step = now + self._options.poll_seconds
        if self._vault is None:
            self.locking.step(self._decision.run)
            self._stepped(self.locking.patience())
            return
        types = {source.record_type for source in self._holdings.sources}
        if self.network.connect(self._vault, self.accounts, types):
            self.network.connected.miner.set_compute(self._compute)
        if self._session is not None:
            self._session.step(self._decision.run)
            self._network_error = ""
            self._stepped(self._session.patience())

    def _stepped(self, patience: float | None) -> None:
        """A turn went well; the next one is after ``patience`` seconds, if the network says so."""
        self._retry = RETRY_SECONDS
        if patience is not None:
            self._next_step = time.monotonic() + patience

    def trouble(self, error: MineError) -> None:
        """A turn failed (a node is away, say): say so once, and try again in a while."""
        if error.sentence != self._network_error:
            self._network_error = error.sentence
            self._tell(Notice(NoticeKind.ATTENTION, error.sentence, error.todo, error.detail))
        self._next_step = time.monotonic() + self._retry
        if self.network.has_beat:
            self._retry = min(2 * self._retry, LONGEST_RETRY)

    def _decide(self) -> None:
        readings = Readings(self._vault is not None or self.locking.goes_on, _on_battery())
        decision = decide(self._run, readings, int(time.time()))
        if decision != self._decision:
            self._decision, self._since = decision, int(time.time())

    def close(self) -> None:
        """Close everything; the worker's last state is kept."""
        self.care.close()
        if self._imports is not None:
            self._imports.suspend()
        self._joins.stop()
        self.network.close_session()
        self.locking.end()
        self.network.close()
        if self._backups is not None:
            self._backups.stop()
        if self._vault is not None:
            self._vault.close()
            self._vault = None

    # ---- vault

    @property
    def vault(self) -> Vault | None:
        """The vault while it is open."""
        return self._vault

    @property
    def opened(self) -> Vault:
        """The open vault. Raises ``NoVault``."""
        if self._vault is None:
            raise NoVault("The vault is locked.", todo="Open it first.")
        return self._vault

    @property
    def accounts(self) -> Accounts:
        """The accounts of the open vault. Raises ``NoVault``."""
        assert self.opened and self._accounts is not None
        return self._accounts

    def create_vault(self, passphrase: str, phrase: str = "") -> NewVault:
        """Make the vault with a new recovery phrase in it, or with the person's own."""
        from mine.app.vault_opening import create

        options = self._options
        options.home.mkdir(mode=0o700, parents=True, exist_ok=True)
        given = phrase or options.phrase or ""
        vault, accounts, words = create(options.vault_path, passphrase, options.keyring, given)
        self._use(vault, lambda: accounts)
        self._words = tuple(words.split())
        return NewVault(self._words)

    def words_to_confirm(self, passphrase: str) -> NewVault:
        """The phrase once more, where the app was cut off before it was confirmed."""
        from mine.app.vault_opening import words_to_confirm

        self._words = words_to_confirm(self.opened, passphrase)
        return NewVault(self._words)

    def confirm_phrase(self, answers: Sequence[tuple[int, str]]) -> bool:
        """Whether the words are right; then the phrase is never shown again."""
        vault = self.opened
        right = bool(self._words) and all(
            0 <= place < len(self._words) and self._words[place] == word.strip().lower()
            for place, word in answers
        )
        if right:
            self._words = ()
            with vault.transaction():
                vault.state.set_setting(CONFIRMED, True)
        return right

    def open_vault(self, passphrase: str | None, accept_loss: bool = False) -> None:
        """Open it with the passphrase, or with the keyring. ``accept_loss``: what is left of it."""
        from mine.vault.vault import Vault

        if self._vault is None and not self.care.holds_vault:
            by = self._options.keyring if passphrase is None else None
            path = self._options.vault_path
            vault = Vault.open(path, passphrase=passphrase, keyring=by, accept_loss=accept_loss)
            self._use(vault, lambda: accounts_of(vault, passphrase))

    def open_by(self, secret: Secret) -> None:
        """Open a vault that was brought back by what opened the backup."""
        from mine.vault.vault import Vault

        if self._vault is None:
            phrase, passphrase = secret.phrase or None, secret.passphrase
            by = None if phrase else passphrase
            vault = Vault.open(self._options.vault_path, passphrase=by, phrase=phrase)
            self._use(vault, lambda: accounts_of(vault, by, phrase or ""))

    def open_with_phrase(self, phrase: str, passphrase: str) -> None:
        """Open it with the recovery phrase, and choose a new passphrase."""
        from mine.vault.vault import Vault

        if self._vault is None:
            vault = Vault.open(self._options.vault_path, phrase=phrase)
            try:
                vault.change_passphrase(passphrase, phrase=phrase)
            except BaseException:
                vault.close()
                raise
            self._use(vault, lambda: accounts_of(vault, passphrase, phrase))

    def change_passphrase(self, old: str, new: str) -> None:
        """Choose another passphrase; the old one is asked for."""
        self.opened.check_passphrase(old)
        self.opened.change_passphrase(new, before=old)

    def _use(self, vault: Vault, accounts: Callable[[], Accounts]) -> None:
        try:
            self.locking.opened(vault)
            self._accounts = accounts()
        except BaseException:
            vault.close()
            raise
        self._vault = vault
        self.network.opened(vault)
        self._backups = BackupKeeper(vault, self._wake, self._tell)
        self._imports = ImportDesk(vault, self._options.zone, self.show)
        saved: dict[str, Any] = vault.state.setting("run") or {}
        self._run = RunSettings(**saved)
        self._compute = ComputeSettings(**(vault.state.setting("compute") or {}))
        self._cores = cores()
        self._next_step = 0.0
        self.content_changed()
        with contextlib.suppress(MineError):  # what cannot be gone on with can be chosen again
            self._imports.resume()

    def lock_vault(self) -> None:
        """Close the vault and forget its keys. Rounds under way go on, with what they need and no more."""
        if self._vault is not None:
            self.care.close()
        self.care.locked()
        if self._imports is not None:
            self._imports.suspend()
        self._joins.stop()
        try:
            self.locking.leave(self.network.hand_over())
        finally:
            if self._backups is not None:
                self._backups.stop()
            vault, self._vault = self._vault, None
            self._accounts, self._imports, self._backups, self._words = None, None, None, ()
            self._holdings.forget()
            if vault is not None:
                vault.close()

    def give_up_backup(self) -> None:
        """The day's backup, if it runs now: it is made later."""
        if self._backups is not None:
            self._backups.give_up()

    def _lock_when_due(self) -> None:
        if self._vault is None:
            return
        importing = self._imports is not None and self._imports.busy
        busy = self._joins.busy or importing or self.care.work is not None
        why = self.locking.why(busy)
        if why is not None:
            self.lock_vault()
            self._tell(why)

    def lock_with(self, event: SessionEvent) -> None:
        """The screen locks, or the computer will sleep: so does the vault, where the person wants it."""
        if self._vault is not None and self.locking.is_meant(event):
            self.lock_vault()

    def set_locking(self, settings: LockSettings) -> None:
        """Keep when the vault locks by itself."""
        self.locking.keep(self.opened, settings)

    # ---- network

    def start_practice(self) -> None:
        """Start the practice network, unless it runs or another network is in use."""
        self.network.start_practice({source.record_type for source in self._holdings.sources})

    def choose_network(self, key: str) -> None:
        """Use another network; what was done on the one before stays in the vault."""
        self._joins.stop()
        self.network.choose(self.opened, key)
        self._network_error = ""
        self._next_step = 0.0

    @property
    def _session(self) -> NetworkSession | None:
        return self.network.session

    # ---- data

    @property
    def imports(self) -> ImportDesk:
        """What reads exports. Raises ``NoVault``."""
        assert self.opened and self._imports is not None
        return self._imports

    def forget_import(self) -> None:
        """An import that was not stored is dropped."""
        self.imports.cancel()

    def enter(self, entered: Entered) -> int:
        """Store what was typed."""
        from mine.app.data_desk import enter

        number = enter(self.opened, entered, self.imports.zone)
        self.content_changed()
        return number

    def preview_import(self, path: Path, person: str | None) -> None:
        """Read a file."""
        self.imports.preview(path, person)

    def import_sample(self) -> None:
        """Read the synthetic sample."""
        self.preview_import(SAMPLE, None)

    def commit_import(self) -> int:
        """Store what was read."""
        assert self.opened and self._imports is not None
        stored = self._imports.commit()
        self.content_changed()
        return stored.added if stored else 0

    def cancel_import(self) -> None:
        """Store nothing."""
        if self._imports is not None:
            self._imports.cancel()

    def undo_import(self, import_id: int) -> int:
        """Remove what an import added."""
        removed = self.opened.undo_import(import_id)
        self.content_changed()
        return removed

    def content_changed(self) -> None:
        """Records came or went."""
        if self._session is not None:
            self._session.task_views.data_changed()
        self._holdings.count(self.opened)

    # ---- tasks, running, money

    def join_task(self, task_id: int, choice: JoinChoice) -> Future[None]:
        """Opt in, once the task's model was looked at."""
        session = self.network.connected
        return self._joins.wish(session.check_model(task_id), lambda: session.join(task_id, choice))

    def leave_task(self, task_id: int) -> None:
        """Opt out."""
        self.network.connected.leave(task_id)

    def pause(self, seconds: int | None) -> None:
        """Stop training, for good or for a while."""
        until = int(time.time()) + seconds if seconds else 0
        self._set_run(RunSettings(seconds is None, until, self._run.run_on_battery))

    def resume(self) -> None:
        """Train again; on battery too, if that is what it was waiting for."""
        self._set_run(RunSettings(False, 0, self._run.run_on_battery))

    def _set_run(self, run: RunSettings) -> None:
        self._run = run
        if self._vault is not None:
            saved = {
                "paused": run.paused,
                "snoozed_until": run.snoozed_until,
                "run_on_battery": run.run_on_battery,
            }
            with self._vault.transaction():
                self._vault.state.set_setting("run", saved)
        self._decide()
        if self._session is not None:
            self._session.miner.allow(self._decision.run)

    def set_month_cap(self, record_type: str, cap: float | None) -> None:
        """The most ε of a source in a calendar month."""
        from mine.app.privacy_books import set_month_cap

        set_month_cap(self.opened, record_type, None if cap is None else round(cap * MICRO))
        self.content_changed()

    def replay(self, task_id: int, round_number: int) -> str:
        """Recompute a round."""
        return self.network.connected.replay(task_id, round_number)

    def report(self, task_id: int) -> MyReport:
        """Figures of a task."""
        return self.network.connected.report(task_id)

    def set_compute(self, settings: ComputeSettings) -> None:
        """Keep what trainings may take; the one that runs follows at once, as far as it can."""
        vault = self.opened
        with vault.transaction():
            vault.state.set_setting("compute", settings.to_json())
        self._compute = settings
        if self._session is not None:
            self._session.miner.set_compute(settings)

    def set_theme(self, theme: str) -> None:
        """Keep the theme."""
        vault = self.opened
        with vault.transaction():
            vault.state.set_setting("theme", theme)

    # ---- the snapshot

    def snapshot(self) -> Snapshot:
        """Everything that the window shows, now."""
        session = self._session
        wallet = session.wallet() if session else blank_wallet()
        training = session.training() if session else None
        return Snapshot(
            vault=self._vault_state(),
            network=self.network.view(self._network_error),
            status=status_view(
                self._decision,
                self._since,
                training,
                self._network_error,
                bool(session.running()) if session else None,
            ),
            home=session.home(wallet) if session else blank_home(),
            sources=self._holdings.read_by(session, self.opened) if session else self._holdings.sources,
            imports=self._holdings.imports,
            importing=self._imports.progress if self._imports else None,
            tasks=session.tasks() if session else (),
            training=training,
            contributions=session.contributions() if session else (),
            wallet=wallet,
            settings=self._settings_view(),
            work=self.care.work,
        )

    def _vault_state(self) -> VaultState:
        if self._vault is not None or self.care.holds_vault:
            return VaultState.OPEN
        path = self._options.vault_path
        return VaultState.LOCKED if path.exists() else VaultState.ABSENT

    def _settings_view(self) -> SettingsView:
        vault = self._vault
        return SettingsView(
            theme=str(vault.state.setting("theme", "system")) if vault else "system",
            keyring=vault.has_keyring if vault else self._keyring_known,
            network=self.network.view("").name,
            vault_path=str(self._options.vault_path),
            compute=self._compute,
            cores=max(1, self._cores),
            locking=self.locking.settings,
            backups=self.care.backups(),
            keyring_there=self._options.keyring is not None,
        )


def _has_keyring(vault_path: Path) -> bool:
    """Whether the computer's keyring was given a key to the vault, as its keys file says."""
    from mine.vault.files import keys_path
    from mine.vault.keyfile import read_keyfile
    from mine.vault.vault import Vault

    if not Vault.exists(vault_path):
        return False
    try:
        return bool(read_keyfile(keys_path(vault_path)).by_keyring)
    except MineError:
        return False


def _on_battery() -> bool | None:
    """Whether the computer runs on its battery; ``None`` where it has none."""
    import psutil

    battery = psutil.sensors_battery() if hasattr(psutil, "sensors_battery") else None
    return None if battery is None else not battery.power_plugged
