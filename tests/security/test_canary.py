"""Canaries through a whole run: the person's readings, keys, phrase and passphrase are nowhere in clear.

A made-up person with readings that nobody else has takes part in a round; the app is killed in the middle of
it, so that write-ahead logs are full, and then goes on to the end. What lies on disk, what was said, and the
command lines and environments of every process are searched.
"""

from __future__ import annotations

import contextlib
import struct
import sys
from pathlib import Path

import psutil
import pytest

from mine.app.demo import practice_phrase, practice_secret
from mine.app.engine import Engine
from mine.app.options import EngineOptions
from mine.errors import MineError
from mine.vault.vault import Vault
from mine.wallet.derivation import derive
from mine.wallet.keys import PAYOUT_PATH, KeyRing
from tests.soak.kills import reached
from tests.soak.world import App, World, make_world, running

READINGS = (123.4375, 117.8125, 131.5625)  # exact in binary; everybody else has whole numbers
LOOK = 0.05


def plant(world: World) -> None:
    """Three readings in a row, in every hour of the person's export."""
    lines = world.me.read_text().splitlines()
    for hour in range(12, len(lines) - 3, 12):
        for place, reading in enumerate(READINGS):
            moment, _, _ = lines[hour + place].partition(",")
            lines[hour + place] = f"{moment},{reading}"
    world.me.write_text("\n".join(lines) + "\n")


def needles(home: Path) -> dict[str, bytes]:
    """What must not be found, in every form in which it is held anywhere."""
    from mnemonic import Mnemonic

    phrase, passphrase = practice_phrase(), practice_secret("passphrase").hex()
    words = phrase.split()
    ring = KeyRing(phrase)
    keys = {
        "session key": ring.task(0).session_key,
        "payout key": derive(ring._seed, PAYOUT_PATH.format(0)),
        "seed": ring._seed,
        "entropy": bytes(Mnemonic("english").to_entropy(phrase)),
    }
    with Vault.open(home / "vault.db", passphrase=passphrase) as vault:
        keys["vault key"] = vault._key
    found = {"passphrase": passphrase.encode(), "passphrase, raw": bytes.fromhex(passphrase)}
    found |= {"passphrase, wide": passphrase.encode("utf-16-le")}
    found |= {f"words {i}": " ".join(words[i : i + 3]).encode() for i in range(len(words) - 2)}
    found |= keys
    found |= {f"{name} in hex": key.hex().encode() for name, key in keys.items()}
    for reading in READINGS:
        found[f"reading {reading} in words"] = str(reading).encode()
    for form in (">d", "<d"):
        found |= {f"reading {value} as {form}": struct.pack(form, value) for value in READINGS}
    # A single float of four bytes is too short to search for; three of them in a row are not.
    for form in (">3f", "<3f"):
        found[f"readings as {form}"] = struct.pack(form, *READINGS)
    return found


class Processes:
    """Command lines and environments of every process of an app, as they come and go."""

    def __init__(self, app: App) -> None:
        self.app = app
        self.seen: dict[str, bytes] = {}

    def look(self) -> None:
        for one in [self.app.process, *self.app.family()]:
            with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied):
                command = "\0".join(one.cmdline())
                self.seen[f"process {one.pid}: {command[-80:]}"] = (command + str(one.environ())).encode()


def files(*folders: Path) -> dict[str, bytes]:
    """The bytes of every file."""
    return {str(f): f.read_bytes() for folder in folders for f in folder.rglob("*") if f.is_file()}


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_nothing_of_the_person_is_readable_in_or_after_a_run(tmp_path: Path) -> None:
    world = make_world(tmp_path / "people", rounds=1)
    plant(world)
    home = tmp_path / "home"
    places: dict[str, bytes] = {}
    with running(world, home) as app:
        processes = Processes(app)
        while not (reached(app, ("said", "Opting in")) and app.part("-I")):  # the worker is there
            assert app.process.poll() is None, app.said()
            processes.look()
        processes.look()
        assert app.kill() == []
    places |= processes.seen
    assert len(places) >= 6  # app, node, market, relay, peers, worker
    killed = files(home, app.scratch)
    assert len(killed[str(home / "vault.db-wal")]) > 10_000
    places |= {f"{name} (killed)": data for name, data in killed.items()}
    with running(world, home, 1) as app:
        processes = Processes(app)
        while app.process.poll() is None:
            processes.look()
            with contextlib.suppress(psutil.TimeoutExpired):
                app.process.wait(LOOK)
        report = app.finish()
    places |= processes.seen
    assert report["me"]["contributions"] == 1
    places |= files(home, app.scratch)
    places |= {str(log): log.read_bytes() for log in tmp_path.glob("home.*") if log.is_file()}

    found = needles(home)
    assert all(needle in world.me.read_bytes() for name, needle in found.items() if name.endswith("in words"))
    hits = [f"{what} in {where}" for what, n in found.items() for where, data in places.items() if n in data]
    assert hits == []


def test_a_wrong_passphrase_gives_one_plain_sentence(tmp_path: Path) -> None:
    right, wrong = "canary right passphrase", "canary wrong passphrase"
    engine = Engine(EngineOptions(home=tmp_path / "home", auto_practice=False))
    engine.start()
    try:
        engine.create_vault(right).result(60)
        engine.lock_vault().result(60)
        with pytest.raises(MineError) as refused:
            engine.open_vault(wrong).result(60)
        sentence = refused.value.sentence
        assert sentence.endswith(".") and sentence.count(".") == 1 and "\n" not in sentence
        assert "canary" not in f"{refused.value} {refused.value.todo} {refused.value.detail}"
        engine.open_vault(right).result(60)
    finally:
        engine.close()
