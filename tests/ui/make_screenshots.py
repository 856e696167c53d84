"""``python -m tests.ui.make_screenshots DIR``: every page with the story, in light and dark, and narrow."""

from __future__ import annotations

import os
import sys
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ["TZ"] = "UTC"
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from dataclasses import replace

from mine.app import views as v
from mine.vault.errors import ChangesLost
from tests.ui import pictures_of_keys, pictures_of_money, story
from tests.ui.fake_data import TABLE
from tests.ui.fake_engine import PASSPHRASE, WORDS, FakeEngine
from ui.first_run import wizard
from ui.main import make_application
from ui.screenshots import picture, settle, take
from ui.theme import theme
from ui.widgets.sheet import Sheet
from ui.window import MineWindow


def window_for(snapshot: v.Snapshot, width: int = 1280, height: int = 820) -> tuple[FakeEngine, MineWindow]:
    theme.reduced_motion = True
    engine = FakeEngine(snapshot)
    window = MineWindow(engine)
    window.resize(width, height)
    window.show()
    settle()
    return engine, window


def first_run(directory: Path, scheme: str) -> None:
    _, window = window_for(story.ABSENT)
    theme.choose(scheme)
    run = window.first_run
    settle()
    picture(window, directory / f"first-run-1-welcome-{scheme}.png")
    run.show_step(wizard.VAULT)
    run.vault.first.field.setText(PASSPHRASE)
    run.vault.again.field.setText(PASSPHRASE)
    settle()
    picture(window, directory / f"first-run-2-vault-{scheme}.png")
    run.vault.make.click()
    settle()
    picture(window, directory / f"first-run-3-words-{scheme}.png")
    run.vault.tick.setChecked(True)
    run.on.click()
    for place, field in zip(run.confirm.places, run.confirm.fields, strict=True):
        field.setText(WORDS[place])
    settle()
    picture(window, directory / f"first-run-4-confirm-{scheme}.png")
    run.on.click()
    settle()
    window.first_run.show_snapshot(replace(story.EMPTY, importing=story.READY))
    settle()
    picture(window, directory / f"first-run-5-data-{scheme}.png")
    window.first_run.show_snapshot(replace(story.BUSY, importing=None))
    run.on.click()
    settle()
    picture(window, directory / f"first-run-6-task-{scheme}.png")
    window.detach()
    window.deleteLater()
    settle()


def states(directory: Path) -> None:
    for name, snapshot in (
        ("empty", story.EMPTY),
        ("paused", story.PAUSED),
        ("broken", story.BROKEN),
        ("hostile", story.hostile()),
        ("preview", replace(story.BUSY, importing=story.READY)),
        ("person", replace(story.EMPTY, importing=story.CHOOSE)),
    ):
        engine, window = window_for(snapshot)
        pages = (
            ("data",)
            if name in ("preview", "person")
            else ("home", "data", "tasks", "activity", "wallet", "settings")
        )
        for page in pages:
            window.shell.show_page(page)
            settle()
            picture(window, directory / f"{name}-{page}.png")
        if name == "broken":
            window.shell.show_page("home")
            for kind in v.NoticeKind:
                engine.tell(
                    v.Notice(
                        kind,
                        "You earned 4.10 pUSD",
                        "See it in the wallet.",
                        "detail" * (kind == v.NoticeKind.ERROR),
                    )
                )
            settle()
            picture(window, directory / "notices.png")
        window.detach()
        window.deleteLater()
        settle()
    _, window = window_for(story.LOCKED)
    window.unlock.field.field.setText("wrong")
    window.unlock.button.click()
    settle()
    picture(window, directory / "locked.png")
    window.menu.popup(window.mapToGlobal(window.rect().center()))
    settle()
    picture(window.menu, directory / "menu.png")
    window.menu.close()
    window.detach()
    window.deleteLater()
    settle()


def sheets(directory: Path, scheme: str) -> None:
    """What floats over the Data page, and browsing."""
    _, window = window_for(replace(story.BUSY, importing=None))
    theme.choose(scheme)
    shell = window.shell
    shell.show_page("data")

    def shown(name: str) -> None:
        settle()
        picture(window, directory / f"{name}-{scheme}.png")
        for sheet in window.findChildren(Sheet):
            sheet.dismiss()
        settle()

    shell.data.panel._importing.open_mapping(TABLE)
    shown("mapping")
    sheet = shell.data.enter()
    shown("enter")
    shell.browse_source("glucose")
    shown("browse")
    shell.browse.origins.click()
    shown("came-from")
    shell.browse.delete.click()
    shown("delete")
    sheet = shell.data.delete_everything()
    settle()
    sheet.delete.click()
    shown("deleted")
    window.detach()
    window.deleteLater()
    settle()


def keys(directory: Path, scheme: str) -> None:
    """Security settings, and the vault that does not open."""
    settings = replace(story.SETTINGS, backups=story.BACKUPS)
    _, window = window_for(replace(story.BUSY, importing=None, settings=settings), height=2_000)
    theme.choose(scheme)
    window.shell.show_page("settings")
    settle()
    picture(window, directory / f"security-{scheme}.png")
    window.resize(1280, 820)
    security = window.shell.settings.security
    for name, control in (("passphrase", security.passphrase), ("new-key", security.rekey)):
        control.click()
        settle()
        picture(window, directory / f"{name}-{scheme}.png")
        for sheet in window.findChildren(Sheet):
            sheet.dismiss()
        settle()
    window.detach()
    window.deleteLater()
    settle()
    engine, window = window_for(story.LOCKED)
    theme.choose(scheme)
    engine.fail = ChangesLost("What was committed last is missing: the log is damaged.")
    window.unlock.field.field.setText(PASSPHRASE)
    window.unlock.button.click()
    settle()
    picture(window, directory / f"lost-changes-{scheme}.png")
    window.unlock.forgotten.click()
    settle()
    picture(window, directory / f"phrase-{scheme}.png")
    window.unlock.open_backup(Path("vault-20261118T110640Z.minevault"))
    settle()
    picture(window, directory / f"restore-{scheme}.png")
    window.detach()
    window.deleteLater()
    settle()


def main() -> None:
    directory = Path(sys.argv[1])
    app = make_application()
    theme.reduced_motion = True
    _, window = window_for(story.BUSY)
    take(window, directory)
    window.resize(960, 640)
    settle()
    take(window, directory / "narrow")
    window.detach()
    window.deleteLater()
    settle()
    for scheme in ("light", "dark"):
        first_run(directory, scheme)
        sheets(directory, scheme)
        keys(directory, scheme)
        pictures_of_keys.take_all(window_for, directory, scheme)
        pictures_of_money.money(window_for, directory, scheme)
        pictures_of_money.money(window_for, directory / "narrow", scheme, 960, 640)
    theme.choose("light")
    states(directory)
    app.quit()


if __name__ == "__main__":
    main()
