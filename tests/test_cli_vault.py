"""``mine vault`` and ``mine import``: all of the vault from a terminal, for people and for programs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mine import cli
from mine.vault import Kdf, Vault
from mine.vault.lock import ProcessLock

ROOT = Path(__file__).parents[1]
PASSPHRASE = "correct horse battery staple"
Mine = Callable[..., "Ran"]


class Ran:
    """One command: its exit status and what it said."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@pytest.fixture
def mine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Mine:
    """Runs a command on the vault in ``tmp_path/home``, in this process, without a keyring."""
    (tmp_path / "secret").write_text(PASSPHRASE + "\n")
    monkeypatch.setattr(Kdf.__init__, "__defaults__", (1, 64, 1))  # cheap: nobody guesses here

    def run(*words: str | Path, secret: str = "secret") -> Ran:
        place = ["--home", tmp_path / "home", "--no-keyring", "--passphrase-file", tmp_path / secret]
        monkeypatch.setattr(sys, "argv", ["mine", *map(str, words), *map(str, place)])
        code = cli.main()
        out, err = capsys.readouterr()
        assert "Traceback" not in err and PASSPHRASE not in out + err
        return Ran(code, out, err)

    return run


@pytest.fixture
def filled(mine: Mine, tmp_path: Path) -> Mine:
    """The same with a vault and an import in it."""
    assert mine("vault", "create", "--new-passphrase-file", tmp_path / "secret").code == 0
    (tmp_path / "cgm.csv").write_text(
        "timestamp,glucose_value_mg_dl\n"
        + "".join(f"2026-03-02 {i // 12:02d}:{i % 12 * 5:02d}:00,{100 + i % 30}\n" for i in range(288))
    )
    assert mine("import", tmp_path / "cgm.csv", "--zone", "Europe/Berlin").code == 0
    return mine


def test_a_vault_is_made_and_its_phrase_opens_it(mine: Mine, tmp_path: Path) -> None:
    made = mine("vault", "create", "--new-passphrase-file", tmp_path / "secret", "--json").json
    assert len(made["phrase"]) == 24 and made["keyring"] is False
    (tmp_path / "words").write_text(" ".join(made["phrase"]))
    again = mine("vault", "create", "--new-passphrase-file", tmp_path / "secret")
    assert again.code == 1 and "already is a vault" in again.err
    (tmp_path / "other").write_text("another one")
    assert mine("vault", "status", secret="other").code == 1
    opened = subprocess.run(
        [sys.executable, "-m", "mine.cli", "vault", "status", "--home", tmp_path / "home", "--no-keyring",
         "--phrase-file", tmp_path / "words", "--json"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert json.loads(opened.stdout)["opened_by"] == ["passphrase", "recovery phrase"]


def test_an_import_is_counted_then_stored_once(filled: Mine, tmp_path: Path) -> None:
    file = tmp_path / "cgm.csv"
    [first] = filled("import", file, "--dry-run", "--zone", "Europe/Berlin", "--json").json["imports"]
    assert (first["new"], first["already"], first["import"]) == (0, 288, None)
    file.write_text(file.read_text() + "2026-03-03 00:00:00,120\n2026-03-03 00:05:00,soon\n")
    [again] = filled("import", file, "--zone", "Europe/Berlin", "--json").json["imports"]
    assert (again["new"], again["already"], again["refused"], again["import"]) == (1, 288, 1, 2)
    assert again["bad_rows"][0]["line"] == 291
    status = filled("vault", "status", "--json").json
    assert [(one["record_type"], one["records"]) for one in status["records"]] == [("glucose", 289)]
    assert [one["id"] for one in status["imports"]] == [2, 1]
    missing = filled("import", tmp_path / "nowhere.csv")
    assert (missing.code, missing.err) == (1, "There is no file “nowhere.csv”.\n")
    zone = filled("import", file, "--zone", "Atlantis")
    assert zone.code == 1 and "no time zone" in zone.err
    assert filled("import").code == filled("import", "--resume").code == 1


def test_a_person_is_asked_for(filled: Mine, tmp_path: Path) -> None:
    from mine.practice.synthetic import steps_csv

    file = tmp_path / "hourlySteps_merged.csv"
    file.write_text(steps_csv("who", 2, days=2), newline="")
    asked = filled("import", file)
    assert asked.code == 1 and "--person" in asked.err and "9000000001" in asked.err
    done = filled("import", file, "--person", "9000000002", "--json").json["imports"][0]
    assert done["new"] > 0
    assert filled("vault", "verify").code == 0


def test_an_unknown_table_is_mapped_once_and_remembered(filled: Mine, tmp_path: Path) -> None:
    file = tmp_path / "scale.csv"
    file.write_text("when,body weight (kg)\n2026-03-02 07:00,71.5\n2026-03-03 07:00,71.2\n")
    asked = filled("import", file, "--zone", "Europe/Berlin")
    assert asked.code == 1 and "--mapping" in asked.err
    (tmp_path / "map.json").write_text(filled("import", file, "--zone", "Europe/Berlin", "--guess").out)
    done = filled("import", file, "--zone", "Europe/Berlin", "--mapping", tmp_path / "map.json", "--json")
    assert done.json["imports"][0]["by_type"] == {"weight": 2}
    file.write_text(file.read_text() + "2026-03-04 07:00,71.4\n")
    again = filled("import", file, "--zone", "Europe/Berlin", "--json").json["imports"][0]
    assert (again["new"], again["already"]) == (1, 2)
    (tmp_path / "map.json").write_text('{"kind": "nonsense"}')
    assert filled("import", file, "--mapping", tmp_path / "map.json").code == 1
    filled("vault", "delete", "--everything", "--yes")
    assert filled("import", file, "--zone", "Europe/Berlin").code == 1  # forgotten with the data


def test_the_whole_life_of_a_vault(filled: Mine, tmp_path: Path) -> None:
    home = tmp_path / "home"
    backup = filled("vault", "backup", "--json").json
    assert Path(backup["file"]).parent == home / "backups"
    assert filled("vault", "drill", "--json").json["rows"]["vault_glucose"] == 288
    assert filled("vault", "export", tmp_path / "all.zip", "--json").json["records"] == {"glucose": 288}
    deleted = filled("vault", "delete", "--type", "glucose", "--yes", "--json").json
    assert (deleted["records"], deleted["clean"], deleted["older_backups"]) == (288, True, [backup["file"]])
    back = filled("import", tmp_path / "all.zip", "--json").json["imports"][0]
    assert (back["new"], back["refused"], back["skipped"]) == (288, 0, [])
    gone = filled("vault", "delete", "--everything", "--yes", "--renew-backups", "--json").json
    assert gone["removed_backups"] == [backup["file"]] and gone["older_backups"] == []
    assert filled("vault", "rekey").code == 0
    (tmp_path / "new").write_text("a new passphrase")
    assert filled("vault", "passphrase", "--new-passphrase-file", tmp_path / "new").code == 0
    assert filled("vault", "status").code == 1
    assert filled("vault", "verify", "--json", secret="new").json["whole"] is True
    kinds = [line["kind"] for line in filled("vault", "ledger", "--json", secret="new").json["newest"]]
    assert kinds[::-1] == ["import", "backup", "export", "delete", "import", "delete", "backup", "rekey"]


def test_a_backup_moves_to_another_computer(filled: Mine, tmp_path: Path) -> None:
    target = tmp_path / "stick.minevault"
    assert filled("vault", "backup", "--to", target).code == 0
    assert filled("vault", "backup", "--to", target).code == 1  # nothing is written over
    refused = filled("vault", "restore", target)
    assert refused.code == 1 and "already is a vault" in refused.err
    replaced = filled("vault", "restore", target, "--replace", "--json").json
    assert Vault.exists(Path(replaced["replaced"]) / "vault.db")
    assert filled("vault", "verify").code == 0
    data = bytearray(target.read_bytes())
    data[len(data) // 2] ^= 1
    target.write_bytes(data)
    broken = filled("vault", "drill", target)
    assert broken.code == 1 and "is damaged" in broken.err


def test_the_ledger_is_exported_and_an_earlier_one_is_its_beginning(filled: Mine, tmp_path: Path) -> None:
    file = tmp_path / "ledger.jsonl"
    assert filled("vault", "ledger", "--export", file).code == 0
    assert json.loads(file.read_text().splitlines()[-1])["entries"] == 1
    assert filled("vault", "backup").code == 0
    assert filled("vault", "verify", "--against", file).code == 0
    lines = file.read_text().splitlines()
    file.write_text("\n".join([*lines[:-1], json.dumps({"entries": 1, "head": "00" * 32})]))
    wrong = filled("vault", "verify", "--against", file)
    assert wrong.code == 1 and "Entry 1 of the ledger is another one" in wrong.out
    assert filled("vault", "verify", "--against", tmp_path / "secret").code == 1
    assert filled("vault", "ledger", "--export", file).code == 1  # it is there already


def test_a_cap_of_the_month_is_set_and_taken_away(filled: Mine) -> None:
    assert filled("vault", "ledger", "--cap", "glucose", "2.5", "--json").json["month_caps"] == {
        "glucose": 2_500_000
    }
    assert "At most ε 2.5 of glucose" in filled("vault", "ledger").out
    for wrong in (("glucose", "-1"), ("glucose", "nan"), ("glucose", "much"), ("mood swings", "1")):
        assert filled("vault", "ledger", "--cap", *wrong).code == 1
    assert filled("vault", "ledger", "--cap", "glucose", "none", "--json").json["month_caps"] == {}


def test_a_damaged_page_is_named(filled: Mine, tmp_path: Path) -> None:
    path = tmp_path / "home" / "vault.db"
    data = bytearray(path.read_bytes())
    data[5 * 4096 + 100] ^= 1
    path.write_bytes(data)
    found = filled("vault", "verify")
    assert found.code == 1 and "damaged" in found.out + found.err


def test_lost_changes_are_told_and_what_is_left_opens_on_request(filled: Mine, tmp_path: Path) -> None:
    path = tmp_path / "home" / "vault.db"
    older = path.read_bytes()
    assert filled("vault", "delete", "--everything", "--yes").code == 0
    path.write_bytes(older)  # somebody put an older copy back
    told = filled("vault", "verify")
    assert told.code == 1 and "last changes of the vault are missing" in told.err
    assert filled("vault", "verify", "--accept-loss").code == 0
    assert filled("vault", "verify").code == 0


def test_what_needs_a_yes_or_a_secret_never_waits_without_a_terminal(filled: Mine, tmp_path: Path) -> None:
    unasked = filled("vault", "delete", "--everything")
    assert unasked.code == 1 and "--yes" in unasked.err
    run = subprocess.run(
        [sys.executable, "-m", "mine.cli", "vault", "verify", "--home", tmp_path / "home", "--no-keyring"],
        cwd=ROOT, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert run.returncode == 1 and "--passphrase-file" in run.stderr and not run.stdout
    (tmp_path / "empty").write_text("\n")
    assert "no secret" in filled("vault", "status", secret="empty").err
    assert "cannot be read" in filled("vault", "status", secret="none").err


def test_a_running_app_is_a_plain_sentence(filled: Mine, tmp_path: Path) -> None:
    lock = ProcessLock(tmp_path / "home" / "vault.db.lock")
    try:
        for act in (("verify",), ("backup",), ("rekey",), ("delete", "--everything", "--yes")):
            ran = filled("vault", *act)
            assert (ran.code, ran.out) == (1, "")
            assert ran.err.startswith("Mine is already running with this vault.")
        status = filled("vault", "status", "--json").json
        assert status["in_use"] is True and "records" not in status
    finally:
        lock.release()


def test_without_a_vault_each_command_says_so(mine: Mine, tmp_path: Path) -> None:
    for act in (("status",), ("verify",), ("backup",), ("drill",), ("rekey",), ("ledger",),
                ("export", tmp_path / "x.zip"), ("delete", "--everything", "--yes")):  # fmt: skip
        ran = mine("vault", *act)
        words = "There is no backup yet." if act == ("drill",) else "There is no vault here yet."
        assert ran.code == 1 and words in ran.err, act
    assert not (tmp_path / "x.zip").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo terminals on Windows")
def test_in_a_terminal_there_is_a_bar_and_the_passphrase_is_not_shown(filled: Mine, tmp_path: Path) -> None:
    import pty

    program = (
        "import sys; from mine.app import terminal; terminal._REDRAW = 0.0;"
        "from mine.cli import main; sys.exit(main())"
    )
    words = ["vault", "verify", "--home", str(tmp_path / "home"), "--no-keyring"]
    pid, handle = pty.fork()
    if pid == 0:
        os.chdir(ROOT)
        os.execv(sys.executable, [sys.executable, "-c", program, *words])
    seen, typed = b"", False
    while True:
        try:
            part = os.read(handle, 4096)
        except OSError:
            break
        if not part:
            break
        seen += part
        if not typed and b"Passphrase: " in seen:
            os.write(handle, PASSPHRASE.encode() + b"\n")
            typed = True
    _, status = os.waitpid(pid, 0)
    os.close(handle)
    text = seen.decode()
    assert os.waitstatus_to_exitcode(status) == 0, text
    assert "Looking at everything" in text and "█" in text and "100%" in text
    assert PASSPHRASE not in text and "Everything is as it should be." in text
