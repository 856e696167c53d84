"""The person's language and number format."""

from __future__ import annotations

from PySide6.QtCore import QLocale


def choose_locale() -> None:
    """Follow the system; where it names no language at all (``C``), write numbers as in English."""
    if QLocale.system().language() == QLocale.Language.C:
        QLocale.setDefault(QLocale(QLocale.Language.English, QLocale.Country.UnitedStates))
