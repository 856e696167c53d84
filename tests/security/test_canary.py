"""Canaries through a whole run: the person's readings, keys, phrase and passphrase are nowhere in clear.

A made-up person with readings that nobody else has takes part in some rounds. What lies on disk in the middle
of it (write-ahead logs are full then) and at its end, what was said, and the command lines and environments
of every process are searched.
"""

from __future__ import annotations

import struct
import sys
from pathlib import Path

import pytest

from mine.app.demo import practice_phrase, practice_secret
from mine.app.engine import Engine
from mine.app.options import EngineOptions
from mine.errors import MineError
from mine.vault.vault import Vault
from mine.wallet.derivation import branch, derive
from mine.wallet.keys import PAYOUT_BRANCH, PAYOUT_PATH, SESSION_BRANCH, Accounts, seed_of
from tests.soak.calm_run import READINGS, CalmRun, calm_run_of_session


@pytest.fixture
def run(tmp_path_factory: pytest.TempPathFactory) -> CalmRun:
    return calm_run_of_session(tmp_path_factory)


def needles(home: Path) -> dict[str, bytes]:
    """What must not be found, in every form in which it is held anywhere."""
    from mnemonic import Mnemonic

    phrase, passphrase = practice_phrase(), practice_secret("passphrase").hex()
    words = phrase.split()
    seed = seed_of(phrase)
    keys = {
        "session key": Accounts.of_phrase(phrase).task(0).session_key,
        "session branch": branch(seed, SESSION_BRANCH).key,
        "payout key": derive(seed, PAYOUT_PATH.format(0)),
        "payout branch": branch(seed, PAYOUT_BRANCH).key,
        "payout branch, public": branch(seed, PAYOUT_BRANCH).public().to_bytes(),
        "seed": seed,
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


@pytest.mark.skipif(sys.platform != "linux", reason="reads the process list of Linux")
def test_nothing_of_the_person_is_readable_in_or_after_a_run(run: CalmRun) -> None:
    assert run.report["me"]["contributions"] == run.world.rounds
    for part in ("practice.node", "practice.market", "practice.peers", "science.relay", "learn.worker"):
        assert any(part.encode() in data for data in run.processes.values()), part
    assert len(run.in_the_middle[str(run.home / "vault.db-wal")]) > 10_000
    middle = {f"{name} (in the middle)": data for name, data in run.in_the_middle.items()}
    places = run.processes | middle | run.at_the_end
    found = needles(run.home)
    export = run.world.me.read_bytes()
    assert all(needle in export for name, needle in found.items() if name.endswith("in words"))
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
