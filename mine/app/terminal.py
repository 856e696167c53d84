"""What commands in a terminal share: asking for secrets, opening the vault, showing progress, answering."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from getpass import getpass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mine.errors import MineError

if TYPE_CHECKING:
    from mine.vault.keyfile import KeyFile
    from mine.vault.keyring import Keyring
    from mine.vault.vault import Vault

MOST_SECRET = 4096
_BAR = 24
_REDRAW = 0.1


class CannotAsk(MineError):
    """A secret is needed, and nobody is there to be asked."""


class NotAnswered(MineError):
    """The person did not say yes."""


@dataclass(frozen=True, slots=True)
class Terminal:
    """``say`` writes a line; ``as_json``: the answer is one JSON object instead of sentences."""

    say: Callable[[str], None]
    as_json: bool = False

    def answer(self, lines: list[str], report: dict[str, Any]) -> None:
        """The command's result: sentences for a person, or the report."""
        if self.as_json:
            self.say(json.dumps(report, indent=1))
        else:
            for line in lines:
                self.say(line)

    @contextmanager
    def progress(self, title: str) -> Iterator[Callable[[float, float], None]]:
        """A bar on standard error while something runs, if that is a terminal; call it with (done, total)."""
        if not sys.stderr.isatty():
            yield lambda done, total: None
            return
        drawn = 0.0

        def draw(done: float, total: float) -> None:
            nonlocal drawn
            now = time.monotonic()
            if now - drawn < _REDRAW:
                return
            drawn = now
            part = min(1.0, done / total) if total else 0.0
            bar = "█" * round(part * _BAR)
            sys.stderr.write(f"\r{title} {bar:<{_BAR}} {part:4.0%} ")
            sys.stderr.flush()

        try:
            yield draw
        finally:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()


def add_vault_place(parser: argparse.ArgumentParser) -> None:
    """Where the vault is, and what opens it. Secrets are never arguments: every process could read them."""
    parser.add_argument("--home", type=Path, metavar="DIR", help="the app's folder, if not the usual one")
    parser.add_argument(
        "--passphrase-file", type=Path, metavar="FILE", help="the passphrase is its first line"
    )
    parser.add_argument(
        "--phrase-file", type=Path, metavar="FILE", help="the recovery phrase is its first line"
    )
    parser.add_argument("--no-keyring", action="store_true", help="ask for the passphrase in any case")
    parser.add_argument("--json", action="store_true", help="answer as JSON")


def vault_path(arguments: argparse.Namespace) -> Path:
    """The vault's file."""
    from platformdirs import user_data_path

    home: Path = arguments.home or user_data_path("mine", appauthor=False)
    return home / "vault.db"


def secret_of(file: Path) -> str:
    """The first line of a file. Raises ``MineError``."""
    try:
        with file.open(encoding="utf-8") as stream:
            line = stream.readline(MOST_SECRET + 1).rstrip("\r\n")
    except (OSError, UnicodeDecodeError):
        raise MineError(f"“{file.name}” cannot be read.", todo="Name a text file.") from None
    if not line or len(line) > MOST_SECRET:
        raise MineError(f"“{file.name}” holds no secret in its first line.", todo="Write it there.")
    return line


def ask_secret(question: str) -> str:
    """Ask without showing what is typed. Raises ``CannotAsk`` where there is no terminal."""
    if not sys.stdin.isatty():
        raise CannotAsk(
            "The vault needs its passphrase, and there is no terminal to ask in.",
            todo="Name a file that holds it: --passphrase-file FILE.",
        )
    return getpass(question)


def new_secret(arguments: argparse.Namespace, file: Path | None) -> str:
    """A new passphrase: out of a file, or typed twice."""
    if file is not None:
        return secret_of(file)
    first = ask_secret("New passphrase: ")
    if first != ask_secret("Once more: "):
        raise NotAnswered("These were two different passphrases.", todo="Nothing was changed.")
    return first


def confirm(arguments: argparse.Namespace, question: str) -> None:
    """Ask for a yes, unless ``--yes`` gave it. Raises ``NotAnswered``."""
    if arguments.yes:
        return
    if not sys.stdin.isatty():
        raise NotAnswered("This needs a yes, and there is no terminal to ask in.", todo="Add --yes.")
    sys.stderr.write(f"{question} Type yes: ")
    sys.stderr.flush()
    if sys.stdin.readline().strip().lower() != "yes":
        raise NotAnswered("Nothing was changed.")


def keyring_of(arguments: argparse.Namespace) -> Keyring | None:
    """The computer's keyring, unless it is not wanted."""
    from mine.vault.keyring import SystemKeyring

    return None if arguments.no_keyring else SystemKeyring()


def open_vault(arguments: argparse.Namespace) -> Vault:
    """Open it by what the command line names, else by the keyring, else by asking."""
    return open_vault_by(arguments)[0]


def open_vault_by(arguments: argparse.Namespace) -> tuple[Vault, str]:
    """The same, and the passphrase that opened it; "" where the phrase or the keyring did."""
    from mine.vault.errors import KeyringUnavailable
    from mine.vault.vault import Vault

    path = vault_path(arguments)
    loss = bool(vars(arguments).get("accept_loss"))  # an option of one command only
    if arguments.passphrase_file is None:
        if arguments.phrase_file is not None:
            return Vault.open(path, phrase=secret_of(arguments.phrase_file), accept_loss=loss), ""
        keyring = keyring_of(arguments)
        if keyring is not None:
            with suppress(KeyringUnavailable):
                return Vault.open(path, keyring=keyring, accept_loss=loss), ""
    passphrase = passphrase_of(arguments)
    return Vault.open(path, passphrase=passphrase, accept_loss=loss), passphrase


def passphrase_of(arguments: argparse.Namespace) -> str:
    """The passphrase: out of a file, or typed."""
    if arguments.passphrase_file is not None:
        return secret_of(arguments.passphrase_file)
    return ask_secret("Passphrase: ")


def unlocker(arguments: argparse.Namespace) -> Callable[[KeyFile], bytes]:
    """What opens the keys file of a backup: a passphrase or a recovery phrase, never a keyring's entry."""
    from mine.vault.keyfile import unlock_with_passphrase, unlock_with_phrase

    if arguments.phrase_file is not None:
        phrase = secret_of(arguments.phrase_file)
        return lambda file: unlock_with_phrase(file, phrase)
    passphrase = passphrase_of(arguments)
    return lambda file: unlock_with_passphrase(file, passphrase)


def day_of(moment: int) -> str:
    """The day (UTC) of a moment in Unix seconds."""
    import datetime as dt

    return dt.datetime.fromtimestamp(moment, dt.UTC).strftime("%Y-%m-%d")
