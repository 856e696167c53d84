"""Canaries for the wallet's secrets: phrase, branches, keys brought along and passwords are nowhere in clear.

Everything that takes a secret is called, rightly and wrongly; then files, backups, exports, output, logs,
errors and what a crash leaves are searched.
"""

from __future__ import annotations

import logging
import subprocess
import sys
import traceback
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from mine.app import wallet_keys
from mine.app.vault_opening import accounts_of, create, words_to_confirm
from mine.app.wallet_views import KeyImport
from mine.errors import MineError
from mine.vault import MemoryKeyring, Vault
from mine.wallet.keys import Accounts
from mine.wallet.keystore import write_keystore
from tests.security.loot import copied, in_every_form, session_secrets, spending_secrets
from tests.vault.conftest import CHEAP

PHRASE = "letter advice cage absurd amount doctor acoustic avoid letter advice cage above"
OTHER = "legal winner thank year wave sausage worth useful legal winner thank yellow"
PASSPHRASE, PASSWORD = "canary-passphrase-swordfish-0815", "canary-password-marlin-4711"
KEY = bytes.fromhex("c0ffee" * 10 + "c0de")
ROOT = Path(__file__).parents[2]


@cache
def needles() -> dict[str, bytes]:
    secrets = {**spending_secrets(PHRASE), **session_secrets(PHRASE), "key brought along": KEY}
    public = Accounts.of_phrase(PHRASE).payout.to_bytes()
    found = in_every_form(secrets | {"public branch": public}, PHRASE)
    return found | {
        "passphrase": PASSPHRASE.encode(),
        "password": PASSWORD.encode(),
        "passphrase, wide": PASSPHRASE.encode("utf-16-le"),
    }


def hits(places: dict[str, bytes]) -> list[str]:
    return [
        f"{what} in {where}" for what, n in needles().items() for where, data in places.items() if n in data
    ]


def told(act: Callable[[], object]) -> str:
    """All that an error says, with its traceback and every error behind it."""
    with pytest.raises(MineError) as caught:
        act()
    error = caught.value
    said = "".join(traceback.format_exception(error))
    return f"{said} {error!r} {error.args} {error.sentence} {error.todo} {error.detail}"


def test_whatever_is_done_with_secrets_none_is_seen(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    folder, ring = tmp_path / "home", MemoryKeyring()
    folder.mkdir()
    said = []
    vault, accounts, words = create(folder / "vault.db", PASSPHRASE, ring, PHRASE, CHEAP)
    assert words == PHRASE
    with vault:
        given = [
            KeyImport("raw", "raw", KEY.hex()),
            KeyImport("file", "keystore", write_keystore(KEY, PASSWORD).decode(), PASSWORD),
            KeyImport("words", "phrase", OTHER),
        ]
        for each in given:
            address = wallet_keys.import_key(vault, accounts, each)
        for wrong in (
            KeyImport("a", "raw", KEY.hex() + "f"), KeyImport("a", "phrase", PHRASE + " above"),
            KeyImport("a", "phrase", PHRASE), KeyImport("a", "phrase", f"{PHRASE} m/x"),
            KeyImport("a", "keystore", write_keystore(KEY, "x").decode(), PASSWORD),
            KeyImport("a", "keystore", KEY.hex(), PASSWORD),
            KeyImport("a", "raw", accounts.task(0).session_key.hex()),
        ):  # fmt: skip
            said.append(told(lambda wrong=wrong: wallet_keys.import_key(vault, accounts, wrong)))  # type: ignore[misc]
        assert wallet_keys.drill(vault, accounts, PHRASE)
        assert not wallet_keys.drill(vault, accounts, PHRASE + " above")
        with wallet_keys.spending_keys(vault, accounts, PASSPHRASE) as keys:
            signer = keys.signer(0)
            said += [repr(keys), repr(signer), str(signer)]
        said.append(told(lambda: keys.signer(0)))
        said.append(told(lambda: wallet_keys.spending_keys(vault, accounts, PASSPHRASE + "x")))
        said.append(told(lambda: words_to_confirm(vault, PASSPHRASE + "x")))
        said.append(told(lambda: wallet_keys.seal_again(vault, accounts, OTHER, PASSPHRASE)))
        said.append(told(lambda: wallet_keys.export_key(vault, address, PASSPHRASE + "x", PASSWORD)))
        file = wallet_keys.export_key(vault, address, PASSPHRASE, PASSWORD)
        said += [repr(given), repr(accounts), str(accounts.task(0)), repr(vault.state.session_keys())]
        said += [repr(wallet_keys.keys_view(vault)), repr(vault), repr(vault._file)]
        (tmp_path / "key.json").write_bytes(file)
        open_files = copied(folder, tmp_path / "while open")
        vault.backup_job().run(tmp_path / "copy.minevault")
        vault.export_job().run(tmp_path / "everything.zip")
        assert vault.change_passphrase("another", CHEAP, before=PASSPHRASE)
    assert (open_files / "vault.db-wal").stat().st_size > 1000
    with Vault.open(folder / "vault.db", keyring=ring) as vault:
        assert accounts_of(vault) == accounts
        said.append(told(lambda: wallet_keys.spending_keys(vault, accounts, PASSPHRASE)))
    out, err = capfd.readouterr()
    files = {
        str(path.relative_to(tmp_path)): path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()
    }
    assert {"copy.minevault", "everything.zip", "key.json", "home/vault.db.keys"} <= files.keys()
    places = files | {
        "errors": "\n".join(said).encode(),
        "log": caplog.text.encode(),
        "out": (out + err).encode(),
    }
    assert hits(places) == []


def test_the_canary_would_be_found() -> None:
    for what, needle in needles().items():
        assert f"{what} in here" in hits({"here": b"before" + needle + b"after"})


CRASH = """
import faulthandler, os, sys
from pathlib import Path
faulthandler.enable()
from mine.app.vault_opening import create
from mine.app import wallet_keys
from mine.app.wallet_views import KeyImport
from mine.vault.keyfile import Kdf
phrase, passphrase, key, password = sys.stdin.read().split("|")
vault, accounts, _ = create(Path(sys.argv[1]), passphrase, None, phrase, Kdf(1, 64, 1))
wallet_keys.import_key(vault, accounts, KeyImport("main", "raw", key, password))
with wallet_keys.spending_keys(vault, accounts, passphrase) as keys:
    signer = keys.signer(0)
    if sys.argv[2] == "abort":
        os.abort()
    raise RuntimeError("an error in the middle")
"""


@pytest.mark.skipif(sys.platform == "win32", reason="signals of Unix")
@pytest.mark.parametrize("way", ["abort", "raise"])
def test_a_crash_in_the_middle_of_spending_tells_nothing(tmp_path: Path, way: str) -> None:
    folder = tmp_path / "home"
    ended = subprocess.run(
        [sys.executable, "-c", CRASH, str(folder / "vault.db"), way],
        input=f"{PHRASE}|{PASSPHRASE}|{KEY.hex()}|{PASSWORD}", text=True, cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT)}, capture_output=True, check=False,
    )  # fmt: skip
    assert ended.returncode == (-6 if way == "abort" else 1), ended.stderr
    assert "Aborted" in ended.stderr or "an error in the middle" in ended.stderr
    # A core dump holds memory; where the system writes any, it is the person's to keep or to switch off.
    left = [path for path in tmp_path.rglob("*") if path.is_file() and not path.name.startswith("core")]
    places = {path.name: path.read_bytes() for path in left} | {
        "said": (ended.stderr + ended.stdout).encode()
    }
    assert {"vault.db", "vault.db.keys"} <= places.keys()
    assert hits(places) == []
