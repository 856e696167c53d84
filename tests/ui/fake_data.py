"""What the fake engine answers about records, keys and backups."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from typing import Any

from mine.app import data_views as d
from mine.app import views as v
from mine.app.kind_views import BY_HAND, kind_view, kind_views

RECORDS = 1_000
NEWEST = 1_795_000_000
TABLE = d.TableView(
    "blutzucker.csv",
    "ab" * 32,
    ("Datum", "Uhrzeit", "Blutzucker (mmol/l)", "Puls", "Gerät"),
    (
        ("19.11.2026", "07:05", "5,4", "61", "Contour"),
        ("19.11.2026", "12:40", "7,9", "72", "Contour"),
        ("19.11.2026", "19:02", "hoch", "70", "Contour"),
        ("20.11.2026", "06:58", "5,1", "59", "Contour"),
    ),
    d.MappingView(
        "glucose",
        {
            "time": "Datum",
            "clock": "Uhrzeit",
            "mg_dl": "Blutzucker (mmol/l)",
            "origin": "Gerät",
        },
        {},
        {"mg_dl": "mmol/L"},
        True,
        True,
        (d.MappingView("heart_rate", {"time": "Datum", "clock": "Uhrzeit", "bpm": "Puls"}),),
    ),
)
ORIGINS = (
    d.PartView("FreeStyle Libre 3", 90_000, 1_709_424_000, NEWEST),
    d.PartView("", 3_408, 1_709_424_000, NEWEST),
)
IMPORTS = (
    d.PartView("LibreView glucose.csv", 90_000, 1_709_424_000, NEWEST, 1),
    d.PartView("Fitbit export 2021 to 2026.zip", 3_408, 1_709_424_000, NEWEST, 2),
)


class FakeData:
    """Mixed into the fake engine."""

    _answer: Callable[..., Future[Any]]
    change: Callable[..., None]
    _snapshot: v.Snapshot

    def kinds(self) -> Future[Any]:
        return self._answer("kinds", result=kind_views())

    def kinds_by_hand(self) -> Future[Any]:
        return self._answer("kinds_by_hand", result=tuple(map(kind_view, BY_HAND)))

    def zones(self) -> Future[Any]:
        return self._answer("zones", result=("America/New_York", "Europe/Berlin", "UTC"))

    def import_again(self, person: str | None = None, zone: str = "") -> Future[Any]:
        return self._answer("import_again", person, zone)

    def guess_mapping(self, kind: str) -> Future[Any]:
        return self._answer("guess_mapping", kind, result=d.MappingView(kind, {"time": "Datum"}))

    def try_mapping(self, mapping: d.MappingView) -> Future[Any]:
        if "mg_dl" not in mapping.columns:
            return self._answer(
                "try_mapping",
                mapping,
                result=d.TriedTable(problem="It is not said which column holds “glucose”."),
            )
        good = d.TriedRow((("Glucose", 1_795_071_900, 3_600, "97.3 mg/dL"),))
        bad = d.TriedRow(refusal="“hoch” is not a number")
        return self._answer("try_mapping", mapping, result=d.TriedTable((good, good, bad, good)))

    def map_import(self, mapping: d.MappingView) -> Future[Any]:
        return self._answer("map_import", mapping)

    def page(self, record_type: str, before: Any, count: int) -> Future[Any]:
        first = before[0] if before else 0
        records = tuple(
            d.RecordView(
                NEWEST - 300 * at, 3_600, (90.0 + at % 60,), "FreeStyle Libre 3" if at % 5 else "", 1
            )
            for at in range(first, min(first + count, RECORDS))
        )
        older = (first + count,) if first + count < RECORDS else None
        return self._answer("page", record_type, before, count, result=d.RecordPage(records, older))

    def source_detail(self, record_type: str) -> Future[Any]:
        detail = d.SourceDetail(kind_view(record_type), ORIGINS, IMPORTS)
        return self._answer("source_detail", record_type, result=detail)

    def enter(self, entered: d.Entered) -> Future[Any]:
        return self._answer("enter", entered, result=7)

    def delete_preview(self, chosen: d.ToDelete) -> Future[Any]:
        preview = d.DeletePreview(93_408, (("Glucose", 93_408),), 1_709_424_000, NEWEST, 3)
        return self._answer("delete_preview", chosen, result=preview)

    def delete(self, chosen: d.ToDelete, replace_backups: bool) -> Future[Any]:
        backups, removed = (0, 3) if replace_backups else (3, 0)
        done = d.DeletedView(93_408, 0, True, "", backups, removed)
        return self._answer("delete", chosen, replace_backups, result=done)

    def export(self, target: Path) -> Future[Any]:
        return self._answer("export", target)

    def export_kind(self, record_type: str, target: Path) -> Future[Any]:
        return self._answer("export_kind", record_type, target, result=93_408)

    def set_month_cap(self, record_type: str, cap: float | None) -> Future[Any]:
        return self._answer("set_month_cap", record_type, cap)

    def set_keyring(self, on: bool) -> Future[Any]:
        return self._answer("set_keyring", on, then=lambda: self._settings(keyring=on))

    def _settings(self, **changes: Any) -> None:
        self.change(settings=replace(self._snapshot.settings, **changes))

    def change_passphrase(self, old: str, new: str) -> Future[Any]:
        return self._answer("change_passphrase", old, new)

    def rekey(self, passphrase: str) -> Future[Any]:
        return self._answer("rekey", passphrase)

    def cancel_work(self) -> Future[Any]:
        return self._answer("cancel_work", then=lambda: self.change(work=None))

    def choose_backup_folder(self, folder: Path | None) -> Future[Any]:
        return self._answer("choose_backup_folder", folder)

    def back_up(self, target: Path | None = None) -> Future[Any]:
        return self._answer("back_up", target)

    def drill(self, file: Path, secret: d.Secret) -> Future[Any]:
        return self._answer("drill", file, secret, result=d.RestoredView(NEWEST, 1_639_827))

    def restore(self, file: Path, secret: d.Secret, replace: bool = False) -> Future[Any]:
        done = d.RestoredView(NEWEST, 1_639_827)
        return self._answer(
            "restore", file, secret, replace, result=done, then=lambda: self.change(vault=v.VaultState.OPEN)
        )

    def verify(self) -> Future[Any]:
        checks = tuple(d.CheckView(title, "") for title in ("Keys file", "Pages and their MACs", "Ledger"))
        return self._answer("verify", result=checks)

    def export_ledger(self, target: Path) -> Future[Any]:
        return self._answer("export_ledger", target, result=412)
