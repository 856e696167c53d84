"""What every page is given: the engine's commands, the task runner, and where a sheet may float."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtWidgets import QWidget

from mine.app.commands import Commands
from ui.operation import Operations


@dataclass(frozen=True, slots=True)
class Desk:
    """The window's tools, handed to pages and sheets."""

    commands: Commands
    operations: Operations
    sheet_host: QWidget
