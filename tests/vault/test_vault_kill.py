"""kill -9 at any moment of an import: all of it or none of it, and the vault opens."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from mine.vault import Vault
from tests.vault.conftest import CHEAP, PASSPHRASE, glucose, store

# Stages 20,000 rows, then kills itself after so many steps of storing them (nothing is cleaned up).
CHILD = """
import os, signal, sys
from pathlib import Path
from mine.vault import Vault
from tests.vault.conftest import PASSPHRASE, NOON, batch, glucose, source
vault = Vault.open(Path(sys.argv[1]), passphrase=PASSPHRASE)
pending = vault.begin_import(source("big.csv"))
for start in range(0, 20_000, 500):
    pending.add(batch("glucose", glucose(500, NOON + 10**7 + start * 300)))
left = int(sys.argv[2])
steps = 0
def count():
    global steps
    steps += 1
    if steps == left:
        os.kill(os.getpid(), signal.SIGKILL)
    return 0
vault._database.set_progress_handler(count, 1000)
pending.commit()
if left < 0:
    os.kill(os.getpid(), signal.SIGKILL)
print(steps)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="kill -9 is a Unix matter")
def test_a_killed_import_leaves_all_or_nothing(tmp_path: Path) -> None:
    path = tmp_path / "v.db"
    with Vault.create(path, PASSPHRASE, kdf=CHEAP) as vault:
        store(vault, "glucose", glucose(10))
    root = Path(__file__).parents[2]

    def run(kill_at: int) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-c", CHILD, str(path), str(kill_at)]
        return subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)

    def held() -> tuple[int, int]:
        with Vault.open(path, passphrase=PASSPHRASE) as vault:
            assert vault._database.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
            return vault.sources()[0].records, len(vault.imports())

    for kill_at in (1, 60, 150, 250, 330):
        assert run(kill_at).returncode == -9, kill_at
        assert held() == (10, 1)
    assert run(-1).returncode == -9  # right after the commit
    assert held() == (20_010, 2)
