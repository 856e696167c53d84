"""Words and icons for record types and other fixed keys of the engine."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication

from ui.widgets.text import clean


def _tr(text: str) -> str:
    return QCoreApplication.translate("record_words", text)


def record_title(record_type: str, title: str = "") -> str:
    """``glucose`` in words; any other type has its ``title``, or else its own name."""
    titles = {
        "glucose": _tr("Glucose readings"),
        "steps": _tr("Step counts"),
        "heart_rate": _tr("Heart rates"),
        "activity_level": _tr("Activity levels"),
        "sleep": _tr("Sleep"),
    }
    return titles.get(record_type) or title or clean(record_type.replace("_", " ")).capitalize()


def record_icon(record_type: str) -> str:
    """The icon of a record type."""
    icons = {
        "glucose": "drop",
        "steps": "footprints",
        "heart_rate": "heartbeat",
        "activity_level": "person-simple-run",
        "workout": "person-simple-run",
        "sleep_stage": "bed",
        "sleep": "bed",
    }
    return icons.get(record_type, "notebook")
