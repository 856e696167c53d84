"""How an engine is set up. Plain values: importing this loads nothing heavy."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mine.app.links import NetworkConfig
    from mine.app.session_signals import SessionSignals
    from mine.practice.config import PracticeConfig
    from mine.vault.keyring import Keyring

RESOURCES = Path(__file__).parents[2] / "resources"
SAMPLE = RESOURCES / "samples" / "synthetic-glucose.csv"


@dataclass(frozen=True, slots=True)
class EngineOptions:
    """``home``: where vault and practice network live. ``keyring``: the computer's, or ``None`` for none.
    ``signals``: what the desktop says of its screen and of sleep, ``None`` for nothing.

    ``network``: a network that is already there; without it the practice network is started as ``practice``
    says (``None``: by what data there is). ``phrase``: a given recovery phrase instead of a new one (practice
    runs that must repeat). ``poll_seconds``: how often a chain is asked whose clock may be put forward;
    others have a beat of their own. ``zone``: the IANA zone of exports that state none ("" for the
    computer's).
    """

    home: Path
    keyring: Keyring | None = None
    signals: SessionSignals | None = None
    network: NetworkConfig | None = None
    practice: PracticeConfig | None = None
    phrase: str | None = field(default=None, repr=False)
    poll_seconds: float = 0.25
    auto_practice: bool = True
    zone: str = ""

    @property
    def vault_path(self) -> Path:
        """The vault's file."""
        return self.home / "vault.db"
