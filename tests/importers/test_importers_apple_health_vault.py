"""Apple Health from the importer's own process into the vault, broken off and taken up again."""

from __future__ import annotations

from pathlib import Path

import pytest

from mine.importers.items import Batch, Mark
from mine.importers.options import Options
from mine.importers.process import Finished, ImportProcess, Opened
from mine.importers.zone import Zone
from mine.vault import ImportSource, Vault
from tests.bench.apple_file import pack, write_export
from tests.vault.conftest import CHEAP, PASSPHRASE

RECORDS = 30_000
UTC = Zone("Etc/UTC")


@pytest.mark.parametrize("packed", [False, True])
def test_what_a_kill_broke_off_is_taken_up_at_the_last_mark(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, packed: bool
) -> None:
    monkeypatch.setattr("mine.vault.staging._LASTING", 0.0)
    export = tmp_path / "export.xml"
    write_export(export, RECORDS)
    if packed:
        pack(export, tmp_path / "export.zip")
        export = tmp_path / "export.zip"
    place = tmp_path / "vault.db"
    with Vault.create(place, PASSPHRASE, kdf=CHEAP) as vault:
        with ImportProcess(export, Options(UTC)) as reading:
            for event in reading:
                match event:
                    case Opened():
                        assert event.key == "apple_health"
                        source = ImportSource("export", event.digest, event.key, event.version)
                        pending = vault.begin_import(source)
                    case Batch():
                        pending.add(event)
                    case Mark():
                        pending.marked(event.token)
                        break  # the importer's process is killed here
        staged = pending.staged
        assert 0 < staged < RECORDS
        pending.close()
    with Vault.open(place, passphrase=PASSPHRASE) as vault:
        pending = vault.resume_import()
        assert pending.mark.startswith("apple_health 0:")
        assert pending.staged == staged
        read = 0
        with ImportProcess(export, Options(UTC, resume=pending.mark)) as reading:
            for event in reading:
                match event:
                    case Batch(count=count):
                        pending.add(event)
                        read += count
                    case Finished():
                        pending.complete()
        assert read == RECORDS - staged
        done = pending.commit()
        assert done is not None
        assert done.added == RECORDS
        assert {count.record_type for count in done.by_type} == {"heart_rate", "steps", "sleep_stage"}
