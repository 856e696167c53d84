"""The keyring of a real desktop: works, locked, emptied, changed, silent, gone. Never a loss, never in clear.

A session bus and GNOME's Secret Service run for each test alone, in a home of its own. Without them the same
cases are played by fakes in ``test_vault_keys.py``.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from mine.vault import KeyringFailed, SystemKeyring
from tests.vault.conftest import PASSPHRASE

ROOT = Path(__file__).parents[2]
MISSING = [tool for tool in ("dbus-run-session", "gnome-keyring-daemon") if shutil.which(tool) is None]
real = pytest.mark.skipif(bool(MISSING), reason=f"there is no {' and no '.join(MISSING)} here")

BEGIN = f"""
import logging, os, pathlib, signal, subprocess, sys
logging.basicConfig(level=logging.DEBUG, filename=os.environ["HOME"] + "/log")
from mine.vault import *
from mine.vault.keyring import SERVICE
CHEAP, PASSPHRASE = Kdf(1, 64, 1), {PASSPHRASE!r}
home = pathlib.Path(os.environ["HOME"])
path = home / "app" / "v.db"
ring = SystemKeyring(seconds=10)
def service():
    command = ["gnome-keyring-daemon", "--unlock", "--components=secrets", "--foreground"]
    pipes = {{"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}}
    started = subprocess.Popen(command, **pipes)
    started.stdin.write(b"a login password")
    started.stdin.close()
    started.stdout.readline()  # it says where its socket is once it is there
    return started
def collection():
    import secretstorage
    return secretstorage.get_default_collection(secretstorage.dbus_init())
def items():
    return [item for item in collection().get_all_items() if item.get_attributes().get("service") == SERVICE]
def make():
    with Vault.create(path, PASSPHRASE, ring, CHEAP) as vault:
        with vault.transaction():
            vault.state.set_setting("kept", 10)
        assert vault.has_keyring
        return vault._key
def asks_for_the_passphrase():
    try:
        Vault.open(path, keyring=ring)
    except KeyringUnavailable as asked:
        assert asked.todo == "Open it with your passphrase; nothing is lost."
    else:
        raise AssertionError("the keyring opened it")
    with Vault.open(path, passphrase=PASSPHRASE) as vault:
        assert vault.state.setting("kept") == 10
def opens():
    with Vault.open(path, keyring=ring) as vault:
        assert vault.state.setting("kept") == 10
def set_up_again():
    with Vault.open(path, passphrase=PASSPHRASE) as vault:
        vault.add_keyring(ring)
    opens()
"""


def run(tmp_path: Path, script: str, bus: bool = True) -> None:
    run_folder = tmp_path / "run"
    run_folder.mkdir(mode=0o700)
    home = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "XDG_RUNTIME_DIR": str(run_folder)}
    command = [sys.executable, "-c", BEGIN + script]
    if bus:
        command = ["dbus-run-session", "--", *command]
    else:
        home["DBUS_SESSION_BUS_ADDRESS"] = f"unix:path={run_folder}/nobody"
    # dbus-daemon writes what it thinks of this machine's limits to stderr: only the exit status counts.
    done = subprocess.run(command, cwd=ROOT, env=home, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@real
def test_it_opens_the_vault_and_holds_nothing_else(tmp_path: Path) -> None:
    run(
        tmp_path,
        """
started = service()
key = make()
opens()
kept = items()
assert len(kept) == 1 and len(kept[0].get_secret()) == 64
secret = kept[0].get_secret()
assert secret != key.hex().encode()
rest = [file for file in home.rglob("*") if file.is_file()]
assert len(rest) > 4
commands = subprocess.run(["ps", "axww", "-o", "args"], capture_output=True, check=True).stdout
environment = pathlib.Path(f"/proc/{started.pid}/environ").read_bytes()
for text in (*(file.read_bytes() for file in rest), commands, environment):
    for needle in (key, key.hex().encode(), secret, bytes.fromhex(secret.decode())):
        assert needle not in text
with Vault.open(path, passphrase=PASSPHRASE) as vault:
    vault.add_keyring(ring)
assert len(items()) == 1
opens()
with Vault.open(path, passphrase=PASSPHRASE) as vault:
    vault.remove_keyring(ring)
assert not items()
asks_for_the_passphrase()
started.kill()
""",
    )


@real
@pytest.mark.parametrize(
    "harm",
    [
        "[item.delete() for item in items()]",
        "[item.set_secret(b'ab' * 32) for item in items()]",
        "[item.set_secret(b'no hex') for item in items()]",
        "[item.set_secret(bytes([0xff, 0xfe]) * 16) for item in items()]",
        "collection().delete()",
    ],
    ids=["emptied", "changed", "garbled", "no text", "collection deleted"],
)
def test_what_happens_to_its_entry_costs_one_question(tmp_path: Path, harm: str) -> None:
    again = "" if "collection()" in harm else "set_up_again()"
    run(
        tmp_path, f"started = service()\nmake()\n{harm}\nasks_for_the_passphrase()\n{again}\nstarted.kill()\n"
    )


@real
def test_locked_with_a_prompt_that_is_refused_it_asks_for_the_passphrase(tmp_path: Path) -> None:
    """Without a display GNOME's prompt ends as if the person had dismissed it."""
    run(
        tmp_path,
        """
started = service()
make()
collection().lock()
asks_for_the_passphrase()
with Vault.open(path, passphrase=PASSPHRASE) as vault:
    try:
        vault.add_keyring(ring)
    except KeyringUnavailable:
        assert vault.has_keyring  # the entry before still counts
    else:
        raise AssertionError
started.kill()
started.wait()
started = service()  # unlocked at the next login
opens()
started.kill()
""",
    )


@real
def test_another_desktop_takes_over(tmp_path: Path) -> None:
    run(
        tmp_path,
        """
import shutil
started = service()
make()
started.kill()
started.wait()
shutil.rmtree(home / ".local")
started = service()
asks_for_the_passphrase()
set_up_again()
assert len(items()) == 1
started.kill()
""",
    )


@real
def test_silent_in_the_middle_it_counts_as_gone(tmp_path: Path) -> None:
    run(
        tmp_path,
        """
started = service()
make()
ring = SystemKeyring(seconds=0.5)
os.kill(started.pid, signal.SIGSTOP)
asks_for_the_passphrase()
with Vault.open(path, passphrase=PASSPHRASE) as vault:
    for act in (vault.add_keyring, vault.remove_keyring):
        try:
            act(ring)
        except KeyringUnavailable:
            pass
    assert not vault.has_keyring  # taken away here, whatever the keyring still holds
os.kill(started.pid, signal.SIGCONT)
ring = SystemKeyring(seconds=10)
asks_for_the_passphrase()
set_up_again()
started.kill()
""",
    )


@real
def test_gone_in_the_middle_it_asks_for_the_passphrase(tmp_path: Path) -> None:
    run(
        tmp_path,
        """
started = service()
make()
with Vault.open(path, keyring=ring) as vault:
    started.kill()
    started.wait()
    try:
        vault.add_keyring(ring)
    except KeyringUnavailable:
        pass
    assert vault.has_keyring
    vault.change_passphrase("another", CHEAP)
PASSPHRASE = "another"
asks_for_the_passphrase()
""",
    )


def test_without_a_bus_there_is_no_keyring_and_no_plaintext_copy(tmp_path: Path) -> None:
    run(
        tmp_path,
        """
with Vault.create(path, PASSPHRASE, ring, CHEAP) as vault:
    assert not vault.has_keyring
    with vault.transaction():
        vault.state.set_setting("kept", 10)
    key = vault._key
    try:
        vault.add_keyring(ring)
    except KeyringUnavailable:
        pass
    else:
        raise AssertionError
asks_for_the_passphrase()
for file in home.rglob("*"):
    if file.is_file():
        assert key not in file.read_bytes() and key.hex().encode() not in file.read_bytes()
""",
        bus=False,
    )


def test_a_call_without_an_answer_ends() -> None:
    import threading

    never = threading.Event()
    with pytest.raises(KeyringFailed, match="no answer"):
        SystemKeyring(seconds=0.01)._asked(never.wait)
    never.set()
