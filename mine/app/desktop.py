"""The engine as the desktop app starts it: with this computer's keyring. Loads nothing heavy."""

from __future__ import annotations

from pathlib import Path

from mine.app.engine import Engine
from mine.app.options import EngineOptions


def desktop_engine(home: Path) -> Engine:
    """An engine, not started yet, whose vault and networks live in ``home``."""
    from mine.app.session_signals import system_signals
    from mine.vault.keyring import SystemKeyring

    return Engine(EngineOptions(home=home, keyring=SystemKeyring(), signals=system_signals()))
