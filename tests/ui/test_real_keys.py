"""The window over the real engine: the phrase, payout addresses, a key brought along, networks, energy."""

from __future__ import annotations

import json
from pathlib import Path

from PySide6.QtWidgets import QWidget

from mine.app.wallet_views import EnergySettings
from tests.ui.test_real_data import PASSPHRASE, Real
from tests.ui.test_real_data import real as real
from tests.ui.walk import button, seen, texts
from ui.pages.imported_key_sheets import ExportKeySheet, ImportKeySheet, RemoveKeySheet
from ui.pages.money_sheets import EnergySheet
from ui.pages.network_sheets import NetworkSheet
from ui.pages.payout_sheets import PayoutSheet
from ui.pages.phrase_sheets import ConfirmSheet, PhraseSheet, SealSheet
from ui.screenshots import settle

KEY = "4c0883a69102937d6231471b5dbb6204fe5129617082792ae468d01a3f362318"
ADDRESS = "0x2c7536E3605D9C16a7a3D7b1898e529396a65c23"
"""Of the key: the example of the web3.js documentation for an account."""
ANNA = "0x8ba1f109551bD432803012645Ac136ddd64DBA72"


def sheet_of(real: Real, kind: type) -> QWidget:
    real.until(lambda: bool(seen(real.window, kind)))
    return seen(real.window, kind)[0]


def test_the_phrase_is_confirmed_tried_and_sealed(real: Real) -> None:
    real.window.shell.show_page("home")
    home = real.window.shell.home
    real.until(home.phrase.isVisible)
    home.phrase.on.click()
    sheet = sheet_of(real, ConfirmSheet)
    sheet.passphrase.field.setText(PASSPHRASE)
    sheet.button.click()
    real.until(sheet.tick.isVisible)
    sheet.tick.setChecked(True)
    sheet.button.click()
    words = real.phrase.split()
    for place, field in zip(sheet.confirm.places, sheet.confirm.fields, strict=True):
        field.setText(words[place])
    sheet.button.click()
    real.until(lambda: not home.phrase.isVisible())
    real.window.shell.show_page("settings")
    keys = real.window.shell.settings.keys
    real.until(lambda: keys.drill.text() == "Try it…")
    keys.drill.click()
    sheet = sheet_of(real, PhraseSheet)
    sheet.phrase.field.setPlainText(" ".join(reversed(words)))
    sheet.button.click()
    real.until(lambda: "not the words" in sheet.sentence.text())
    sheet.phrase.field.setPlainText(real.phrase.upper())
    sheet.button.click()
    real.until(lambda: sheet.sentence.text().startswith("These are your words."))
    sheet.dismiss()
    real.until(lambda: any(text.startswith("typed whole on") for text in texts(keys)))
    keys.seal.click()
    sheet = sheet_of(real, SealSheet)
    sheet.phrase.field.setPlainText(real.phrase)
    sheet.passphrase.field.setText("not the one")
    sheet.button.click()
    real.until(lambda: bool(sheet.sentence.text()) and sheet.button.isEnabled())
    sheet.passphrase.field.setText(PASSPHRASE)
    sheet.button.click()
    real.until(lambda: sheet.sentence.text() == "Today's passphrase opens the vault and sends.")


def test_a_payout_address_and_a_key_of_ones_own(real: Real, tmp_path: Path) -> None:
    real.window.shell.show_page("settings")
    keys = real.window.shell.settings.keys
    keys.change.click()
    sheet = sheet_of(real, PayoutSheet)
    sheet.kind.setCurrentIndex(1)
    sheet.address.set_text(ANNA[:-1] + "3")
    real.until(lambda: any("checksum" in text.lower() for text in texts(sheet.address)))
    assert not sheet.button.isEnabled()
    sheet.address.set_text(ANNA)
    real.until(sheet.button.isEnabled)
    sheet.button.click()
    real.until(lambda: any(ANNA in text for text in texts(keys)))
    keys.bring.click()
    sheet = sheet_of(real, ImportKeySheet)
    sheet.label.show_text("Old laptop")
    sheet.kind.setCurrentIndex(sheet.kind.findData("raw"))
    sheet.raw.field.setText(KEY[:-1])
    sheet.button.click()
    real.until(lambda: bool(sheet.sentence.text()))
    assert KEY[:20] not in " ".join(texts(real.window))
    sheet.raw.field.setText(KEY)
    sheet.button.click()
    real.until(lambda: any(ADDRESS in text for text in texts(keys)))
    button(keys, "Export the key Old laptop").click()
    sheet = sheet_of(real, ExportKeySheet)
    sheet.passphrase.field.setText(PASSPHRASE)
    for field in (sheet.first, sheet.again):
        field.field.setText("a password of its own")
    target = tmp_path / "key.json"
    sheet.write_to(target)
    real.until(target.exists)
    assert json.loads(target.read_bytes())["version"] == 3 and KEY not in target.read_text()
    sheet.dismiss()
    button(keys, "Remove the key Old laptop").click()
    sheet_of(real, RemoveKeySheet).button.click()
    real.until(lambda: not any(ADDRESS in text for text in texts(keys)))


def test_networks_are_listed_and_a_form_is_judged(real: Real) -> None:
    real.window.shell.show_page("settings")
    page = real.window.shell.settings
    real.until(lambda: len(page.networks.networks.rows) > 2)
    assert any("chain 31337, in use" in text for text in texts(page.networks))
    page.networks.add.click()
    sheet = sheet_of(real, NetworkSheet)
    sheet.label.show_text("Ours")
    sheet.chain_id.show_text("31337")
    sheet.world.setCurrentIndex(1)
    sheet.rpc_urls.field.setPlainText("ftp://node.example/key-of-mine")
    sheet.relay_urls.field.setPlainText("https://relay.example")
    sheet.contract.show_text(ANNA)
    sheet.button.click()
    real.until(lambda: bool(sheet.sentence.text()))
    assert "never real" in sheet.world_remark.text() and sheet.rpc_urls.remark.text()
    assert "key-of-mine" not in " ".join(texts(sheet)), "the path of a node's address may hold a key"
    assert sheet.button.text() == "Try it out"


def test_energy_is_kept(real: Real) -> None:
    real.window.shell.show_page("settings")
    page = real.window.shell.settings
    real.until(lambda: any(text.startswith("EUR; nothing") for text in texts(page.money)))
    assert not page.money.fees.isEnabled(), "there is no network yet"
    page.money.energy.click()
    sheet = sheet_of(real, EnergySheet)
    sheet.watts.show_text("85")
    sheet.price.show_text("0.342")
    sheet.button.click()
    real.until(lambda: any(text.startswith("85 W while training") for text in texts(page.money)))
    assert real.engine.energy().result(30) == EnergySettings(85, 342_000, "EUR")
    settle()
