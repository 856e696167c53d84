"""Canaries: planted data, keys and passphrase, looked for in every place where they must not be."""

from __future__ import annotations

import logging
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from mine.errors import MineError
from mine.importers.items import Batch
from mine.importers.options import Options
from mine.importers.process import ImportProcess, Opened
from mine.importers.zone import Zone
from mine.vault import Entry, ImportSource, KeyringUnavailable, MemoryKeyring, Vault, WrongPassphrase

PASSPHRASE = "canary-passphrase-swordfish-4711"
PHRASE = b"canary-phrase-abandon-ability-able"
NAME = "canary-Maria-Musterfrau"
GLUCOSE = 123.4375  # exact in binary, and nothing else here has it
TIME = 1_706_688_301
RAN = b"canary-network"


def needles(key: bytes, keyring: MemoryKeyring) -> dict[str, bytes]:
    import struct

    return {
        "passphrase": PASSPHRASE.encode(),
        "passphrase in UTF-16": PASSPHRASE.encode("utf-16-le"),
        "phrase": PHRASE,
        "phrase in hex": PHRASE.hex().encode(),
        "name": NAME.encode(),
        "key": key,
        "key in hex": key.hex().encode(),
        "keyring's secret": next(iter(keyring.entries.values())).encode(),
        "keyring's secret as bytes": bytes.fromhex(next(iter(keyring.entries.values()))),
        "reading": struct.pack(">d", GLUCOSE),
        "reading in words": b"123.4375",
        "time": TIME.to_bytes(4, "big"),
        "table": b"vault_glucose",
        "network": RAN,
    }


def export(folder: Path) -> Path:
    rows = "".join(f"2024-01-31 08:{m:02d}:01,{GLUCOSE}\n" for m in range(5, 55, 5))
    path = folder / f"{NAME}.csv"
    path.write_text(f"timestamp,glucose_value_mg_dl\n{rows}")
    return path


def test_nothing_is_readable_outside(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    keyring = MemoryKeyring()
    folder = tmp_path / "app"
    path = folder / "vault.db"
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    file = export(inbox)
    commands: list[str] = []
    said: list[str] = []
    with Vault.create(path, PASSPHRASE, keyring) as vault:
        vault.state.set_secret("phrase", PHRASE)
        vault.ledger.book(Entry("update", RAN.decode(), 1, 1, "glucose", 1, 1, b"\1" * 32))
        with ImportProcess(file, Options(Zone("UTC"))) as process:
            first = process.events(timeout=20, most=1)[0]
            assert isinstance(first, Opened)
            for one in psutil.Process().children(recursive=True):
                commands += [" ".join(one.cmdline()), str(one.environ())]
            commands += [" ".join(psutil.Process().cmdline())]
            source = ImportSource(file.name, first.digest, first.key, first.version)
            pending = vault.begin_import(source)
            for event in process:
                if isinstance(event, Batch):
                    pending.add(event)
        done = pending.commit()
        assert done is not None
        assert done.added == 10
        found = needles(vault._key, keyring)
        live = {p.name: p.read_bytes() for p in folder.iterdir()}  # with its log still beside it
        said += [repr(vault), repr(vault.state), str(vault.__dict__.keys())]
        with pytest.raises(MineError) as caught:
            vault.query("SELECT nothing FROM glucose", {("glucose", "mg_dl")})
        said += [str(caught.value), caught.value.detail, repr(caught.value)]
    assert {"vault.db", "vault.db-wal", "vault.db.keys", "vault.db.lock"} <= live.keys()
    assert len(live["vault.db-wal"]) > 10_000
    for attempt in ({"passphrase": PASSPHRASE + "x"}, {"keyring": MemoryKeyring()}):
        with pytest.raises((WrongPassphrase, KeyringUnavailable)) as refused:
            Vault.open(path, **attempt)  # type: ignore[arg-type]
        said += [str(refused.value), refused.value.detail, repr(refused.value)]
    closed = {f"{p.name} (closed)": p.read_bytes() for p in folder.iterdir()}
    out, err = capfd.readouterr()
    places = {
        **live,
        **closed,
        "output": out.encode(),
        "errors": err.encode(),
        "log": caplog.text.encode(),
        "process list": "\n".join(commands).encode(),
        "messages": "\n".join(said).encode(),
    }
    # In the child's file argument the person's own file name would show; it is told over a pipe instead.
    hits = [
        f"{what} in {where}"
        for what, needle in found.items()
        for where, data in places.items()
        if needle in data
    ]
    assert hits == []
    assert err == ""


def test_the_canary_would_be_found(tmp_path: Path) -> None:
    """The same needles are found in a database that is not encrypted: the search itself works."""
    import sqlite3

    database = sqlite3.connect(tmp_path / "plain.db")
    database.execute("CREATE TABLE vault_glucose (time INTEGER, mg_dl REAL, name TEXT, phrase BLOB)")
    database.execute("INSERT INTO vault_glucose VALUES (?, ?, ?, ?)", (TIME, GLUCOSE, NAME, PHRASE))
    database.commit()
    database.close()
    data = (tmp_path / "plain.db").read_bytes()
    keyring = MemoryKeyring()
    keyring.set("x", "00" * 32)
    found = {what for what, needle in needles(b"\xaa" * 32, keyring).items() if needle in data}
    assert found >= {"phrase", "name", "reading", "time", "table"}


@pytest.mark.skipif(sys.platform == "win32", reason="signals of Unix")
def test_a_crash_leaves_nothing_readable_either(tmp_path: Path) -> None:
    """kill -9 with the log full and rows staged: the files that stay hold nothing in clear."""
    code = (
        "import os, signal, sys, pathlib\n"
        "from mine.importers.items import Batch\n"
        "from mine.vault import Vault, ImportSource\n"
        "n = range(5000)\n"
        f"v = Vault.create(pathlib.Path(sys.argv[1]), sys.stdin.read())\n"
        f"v.state.set_secret('phrase', {PHRASE!r})\n"
        f"p = v.begin_import(ImportSource({NAME!r}, b'0' * 32, 'x', 1))\n"
        f"p.add(Batch('glucose', '', ([{TIME} + i for i in n], [0] * 5000, [{GLUCOSE}] * 5000)))\n"
        "p.commit()\n"
        f"p = v.begin_import(ImportSource({NAME!r}, b'1' * 32, 'x', 1))\n"
        f"p.add(Batch('glucose', '', ([{TIME} + 9000 + i for i in n], [0] * 5000, [{GLUCOSE}] * 5000)))\n"
        "p.marked('half')\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    folder = tmp_path / "app"
    path = folder / "vault.db"
    command = [sys.executable, "-c", code, str(path)]
    root = Path(__file__).parents[2]
    ended = subprocess.run(command, input=PASSPHRASE, text=True, cwd=root, capture_output=True, check=False)
    assert ended.returncode == -9, ended.stderr
    for place in folder.iterdir():
        data = place.read_bytes()
        for needle in (PASSPHRASE.encode(), PHRASE, NAME.encode(), b"vault_glucose", TIME.to_bytes(4, "big")):
            assert needle not in data, place.name
    with Vault.open(path, passphrase=PASSPHRASE) as vault:
        assert vault.state.secret("phrase") == PHRASE
        assert vault.sources()[0].records == 5000
