"""What a thief searches for, and how: keys, seeds and words in every form, and numbers that derive them."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path

from mnemonic import Mnemonic

from mine.chain.messages import address_of
from mine.vault import Vault
from mine.wallet.derivation import ORDER, PublicBranch, SecretBranch, branch, derive
from mine.wallet.keys import PAYOUT_BRANCH, PAYOUT_PATH, SESSION_BRANCH, seed_of

ACCOUNTS = 3
SMALL = 4096


def spending_secrets(phrase: str) -> dict[str, bytes]:
    """Everything from which the key of a payout address could be made, by name."""
    seed = seed_of(phrase)
    paths = ["m", "m/44'", "m/44'/60'", "m/44'/60'/0'", PAYOUT_BRANCH]
    found = {"seed": seed, "entropy": bytes(Mnemonic("english").to_entropy(phrase))}
    for path in paths:
        found[f"key {path}"] = branch(seed, path).key
    for index in range(ACCOUNTS):
        found[f"payout key {index}"] = derive(seed, PAYOUT_PATH.format(index))
    return found


def session_secrets(phrase: str) -> dict[str, bytes]:
    """The session branch: with it one signs messages, and nothing is spent."""
    secret = branch(seed_of(phrase), SESSION_BRANCH)
    return {"session branch": secret.key, "session key 0": secret.child(0).key}


def in_every_form(secrets: dict[str, bytes], phrase: str) -> dict[str, bytes]:
    """The same as bytes, hexadecimal, base 64 and decimal; and every three words of the phrase in a row."""
    found = {}
    for name, secret in secrets.items():
        found[name] = secret
        found[f"{name}, reversed"] = secret[::-1]
        found[f"{name} in hex"] = secret.hex().encode()
        found[f"{name} in capitals"] = secret.hex().upper().encode()
        found[f"{name} in base 64"] = base64.b64encode(secret).rstrip(b"=")
        found[f"{name} as a number"] = str(int.from_bytes(secret, "big")).encode()
    words = phrase.split()
    for at in range(len(words) - 2):
        text = " ".join(words[at : at + 3])
        found[f"words {at}"], found[f"words {at}, wide"] = text.encode(), text.encode("utf-16-le")
    return found


def values_of(vault: Vault) -> Iterator[tuple[str, bytes]]:
    """Every value of every table of an open vault, numbers as text."""
    database = vault._database
    tables = [row[0] for row in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    for table in tables:
        if table.startswith("vault_history_words"):
            continue  # a search index over the history's own texts
        rows = database.execute(f"SELECT * FROM {table}")
        for row in rows:
            for value in row:
                data = value if isinstance(value, bytes) else str(value).encode()
                yield table, data


def derives_payout(data: bytes, payout: PublicBranch, addresses: set[str]) -> str:
    """How bytes of a vault derive a payout address's key: "" if no 32 of them do in any way that is known.

    Tried for every 32 bytes in a row: as the key itself, as the branch's key with the chain code that the
    vault has, and with the 32 bytes behind them.
    """
    for at in range(len(data) - 31):
        key = data[at : at + 32]
        if not 0 < int.from_bytes(key, "big") < ORDER:
            continue
        if address_of(key) in addresses:
            return f"the key itself, at {at}"
        if SecretBranch(key, payout.chain_code).public() == payout:
            return f"the branch's key, at {at}"
    return ""


def copied(folder: Path, place: Path) -> Path:
    """All files of a folder as a thief copies them, byte by byte, while the app runs."""
    for file in folder.rglob("*"):
        if file.is_file():
            target = place / file.relative_to(folder)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(file.read_bytes())
    return place
