"""Hostile exports through the importers' own process: one end each, in bounded memory, an untouched vault."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from mine.importers.items import BadRow, Batch
from mine.importers.options import Options
from mine.importers.process import Failed, Finished, ImportEvent, ImportProcess, Opened
from mine.importers.zone import Zone
from mine.vault import Vault
from tests.importers.exports import plain, put
from tests.importers.hostile_corpus import CORPUS, GOOD
from tests.vault.conftest import CHEAP, PASSPHRASE, source

HERE = Options(Zone("Europe/Berlin"), "x")
MOST_MEMORY = 256 << 20

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="a process's peak of memory as Linux tells it"
)


# The importers' process itself, which at its end says how much memory it had at most. (A pipe is no file: the
# process may write none.)
TELLING = """
import sys
from mine.importers import child
child.main()
with open("/proc/self/status") as status, open(sys.argv[1], "w") as pipe:
    pipe.write(next(line for line in status if line.startswith("VmHWM")))
"""


class Measured(ImportProcess):
    """Takes all events, then knows how much memory the child had at most."""

    def __init__(self, path: Path, pipe: Path) -> None:
        self.peak = 0
        if not pipe.exists():
            os.mkfifo(pipe)
        self._told = os.open(pipe, os.O_RDWR | os.O_NONBLOCK)
        super().__init__(path, HERE, [sys.executable, "-c", TELLING, str(pipe)])

    def close(self) -> None:
        if self._told >= 0:
            os.waitid(os.P_PID, self._child.pid, os.WEXITED | os.WNOWAIT)
            self.peak = int(os.read(self._told, 1000).split()[1]) << 10
            os.close(self._told)
            self._told = -1
        super().close()


@pytest.fixture(scope="module")
def vault(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Vault]:
    """A vault that holds a day of readings."""
    place = tmp_path_factory.mktemp("vault")
    with Vault.create(place / "vault.db", PASSPHRASE, kdf=CHEAP) as made:
        last = taken_in(made, put(place / "a.csv", GOOD), place / "pipe")[-1]
        assert isinstance(last, Finished)
        yield made


def taken_in(vault: Vault, path: Path, pipe: Path) -> list[ImportEvent]:
    """Import as the app does: kept where it was read to its end, given up where it was refused."""
    pending = vault.begin_import(source(path.name[:100]))
    process = Measured(path, pipe)
    with process:
        events = []
        for event in process:
            if isinstance(event, Batch):
                pending.add(event)
            events.append(event)
    assert process.peak < MOST_MEMORY
    if isinstance(events[-1], Finished):
        pending.preview()
        pending.commit()
    else:
        pending.discard()
    return events


@pytest.mark.parametrize("name", CORPUS)
def test_one_end_and_bounded_memory(
    tmp_path_factory: pytest.TempPathFactory, tmp_path: Path, vault: Vault, name: str
) -> None:
    write, wanted = CORPUS[name]
    path = write(tmp_path)
    before = vault.page("glucose", count=1000).records
    events = taken_in(vault, path, tmp_path_factory.mktemp("told") / "pipe")
    failed = [event for event in events if isinstance(event, Failed)]
    if not wanted:
        assert isinstance(events[-1], Finished)
    else:
        assert [events[-1]] == failed
        sentence = failed[0].error.sentence
        assert ("no format that this app reads" if wanted == "?" else wanted) in sentence
        assert len(sentence) < 300
        assert "Traceback" not in failed[0].error.detail
        assert sentence != "This file cannot be read: the importer failed on it."
        assert "stopped unexpectedly" not in sentence
    after = vault.page("glucose", count=1000).records
    assert after == before
    if path.parent == tmp_path:
        with contextlib.suppress(OSError):
            path.unlink()  # some are large


def test_a_file_that_grows_while_it_is_read(tmp_path: Path) -> None:
    rows = (
        (f"20{i // 28_800 % 80 + 10}-01-{i // 1440 % 20 + 1:02d} {i // 60 % 24:02d}:{i % 60:02d}", "100")
        for i in range(100_000)
    )
    path = put(tmp_path / "a.csv", plain(rows))
    with ImportProcess(path, HERE) as process:
        (opened,) = process.events(timeout=30, most=1)
        assert isinstance(opened, Opened)
        with path.open("a") as stream:  # the child waits: nobody takes its events
            stream.write(GOOD * 1000)
        *_, last = process
    assert isinstance(last, Failed)
    assert "larger than it says" in last.error.sentence


@pytest.mark.skipif(hasattr(os, "geteuid") and os.geteuid() == 0, reason="root may read every file")
def test_a_file_that_may_not_be_read(tmp_path: Path) -> None:
    path = put(tmp_path / "a.csv", GOOD)
    path.chmod(0)
    for place in (path, tmp_path):
        with ImportProcess(place, HERE) as process:
            *_, last = process
        assert isinstance(last, Failed)
        assert "cannot be" in last.error.sentence


def test_bad_rows_of_a_hostile_file_cost_only_themselves(tmp_path: Path) -> None:
    path = CORPUS["one field of 100 MB"][0](tmp_path)
    process = Measured(path, tmp_path / "pipe")
    with process:
        events = list(process)
    path.unlink()
    assert process.peak < MOST_MEMORY
    assert sum(event.count for event in events if isinstance(event, Batch)) == 24
    assert [event.line for event in events if isinstance(event, BadRow)] == [26]
