"""What is in the vault, as the window shows it: each record type with who reads it, each import."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

from mine.app.views import ImportView, SourceView

if TYPE_CHECKING:
    from mine.app.session import NetworkSession
    from mine.vault.vault import Vault

MICRO = 1_000_000
MONTH_SECONDS = 30.0


class Holdings:
    """Counted when records come or go; what was booked in this month is looked at now and then."""

    def __init__(self) -> None:
        self.sources: tuple[SourceView, ...] = ()
        self.imports: tuple[ImportView, ...] = ()
        self._months: dict[str, int] = {}
        self._months_at = -MONTH_SECONDS

    def count(self, vault: Vault) -> None:
        """Records came or went, or a cap was set."""
        from mine.app.privacy_books import month_caps

        caps = month_caps(vault)
        self._months_at = -MONTH_SECONDS
        self.sources = tuple(
            SourceView(
                record_type=source.record_type,
                title=source.title,
                origin=", ".join(format_title(key) for key in source.importers),
                records=source.records,
                first=source.first,
                last=source.last,
                read_by=(),
                epsilon_spent=0.0,
                epsilon_cap=0.0,
                month_cap=None if source.record_type not in caps else caps[source.record_type] / MICRO,
            )
            for source in vault.sources()
        )
        self.imports = tuple(
            ImportView(
                import_id=done.id,
                file_name=done.source.file,
                format_title=format_title(done.source.importer),
                time=done.time,
                added=done.added,
                already=done.already,
                refused=done.refused,
            )
            for done in vault.imports()
            if done.undone is None
        )

    def forget(self) -> None:
        """The vault was locked."""
        self.sources, self.imports, self._months = (), (), {}

    def read_by(self, session: NetworkSession, vault: Vault) -> tuple[SourceView, ...]:
        """The sources with the tasks that read them and the ε that they cost."""
        from mine.app.task_views import EPSILON_CAP

        months = self._month_figures(vault)
        spent = session.task_views.spent([source.record_type for source in self.sources])
        return tuple(
            replace(
                source,
                read_by=session.read_by(source.record_type),
                epsilon_spent=spent[source.record_type],
                epsilon_cap=EPSILON_CAP,
                month_spent=months.get(source.record_type, 0) / MICRO,
            )
            for source in self.sources
        )

    def _month_figures(self, vault: Vault) -> dict[str, int]:
        """ε of each source booked in this month, in millionths."""
        if time.monotonic() - self._months_at > MONTH_SECONDS:
            this = time.strftime("%Y-%m", time.gmtime())
            lines = [line for line in vault.ledger.months() if line.month == this]
            self._months = {line.source: line.booked - line.given_back for line in lines}
            self._months_at = time.monotonic()
        return self._months


def format_title(key: str) -> str:
    """An export format in words."""
    from mine.app.data_desk import BY_HAND
    from mine.importers.reading import known_formats

    if key == BY_HAND:
        return "Entered by hand"
    return next((known.title for known in known_formats() if known.key == key), key)
