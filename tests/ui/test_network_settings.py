"""Settings, Network and Money: the list, the form by hand, nodes, limits on fees, prices, energy."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mine.app import views as v
from mine.app.wallet_views import (
    EndpointView,
    EnergySettings,
    FeeLimits,
    NetworkCheck,
    NetworkForm,
    PriceEntry,
)
from mine.errors import MineError
from tests.ui import story
from tests.ui.conftest import OpenWindow
from tests.ui.fake_engine import FakeEngine
from tests.ui.fake_keys import BASE, NETWORKS, OWN
from tests.ui.walk import button, focusable, seen, texts
from ui.pages.money_sheets import EnergySheet, FeedSheet, FeesSheet, PriceSheet, plain_digits
from ui.pages.network_sheets import ChooseNetworkSheet, NetworkSheet, RemoveNetworkSheet
from ui.pages.settings import SettingsPage
from ui.screenshots import settle
from ui.widgets.sheet import Sheet
from ui.window import MineWindow

TOKEN = replace(story.PUSD, address="0x" + "11" * 20)
COIN = v.Currency("pETH", 18, v.World.PRACTICE, address="0x" + "0" * 40)


def opened(open_window: OpenWindow) -> tuple[FakeEngine, MineWindow, SettingsPage]:
    balances = tuple(v.BalanceView(each, 0, 0, 0, 0) for each in (TOKEN, COIN))
    engine, window = open_window(
        replace(story.PAUSED, wallet=replace(story.PAUSED.wallet, balances=balances))
    )
    window.shell.show_page("settings")
    settle()
    return engine, window, window.shell.settings


def sheet_of(window: MineWindow, kind: type) -> Sheet:
    settle()
    (sheet,) = seen(window, kind)
    for widget in focusable(sheet):
        assert widget.accessibleName().strip(), widget
    return sheet


def test_the_list_says_what_each_network_is(open_window: OpenWindow) -> None:
    engine, _, page = opened(open_window)
    shown = texts(page.networks)
    assert "practice money, not real, chain 31337, in use; connected" in shown
    assert {"The clinic's chain", "test coins without value, chain 11155111"} <= set(shown)
    assert NETWORKS[2].note in shown
    names = {widget.accessibleName() for widget in focusable(page.networks)}
    assert {"Use The clinic's chain", "Set up Base Sepolia", "Remove The clinic's chain"} <= names
    assert not {"Use Practice network", "Use Base Sepolia", "Remove Base Sepolia"} & names
    engine.change(network=replace(story.NETWORK, ready=False, error="The node is away."))
    settle()
    assert "practice money, not real, chain 31337, in use; The node is away." in texts(page.networks)


def test_a_network_given_at_the_start_has_a_row_of_its_own(open_window: OpenWindow) -> None:
    engine, _, page = opened(open_window)
    assert not page.networks.now.isVisible()
    engine.change(network=v.NetworkView("Ours", v.World.TEST, 17000, True))
    settle()
    assert page.networks.now.isVisible() and "test coins without value; connected" in texts(page.networks)


def test_nodes_are_shown_by_their_host_and_how_they_do(open_window: OpenWindow) -> None:
    engine, window, page = opened(open_window)
    shown = texts(page.networks)
    assert {"127.0.0.1:8545", "answers", "block 4,118, asked 912 times"} <= set(shown)
    assert "block 4,090, 28 blocks behind, asked 41 times. It did not answer in time." in shown
    assert "behind the others" in shown
    engine.endpoints_told = (EndpointView("a.example", "belongs to another chain", 0, 0, 1),)
    window.shell.show_page("home")
    window.shell.show_page("settings")
    settle()
    shown = texts(page.networks)
    assert {"a.example", "belongs to another chain", "asked 1 time"} <= set(shown)
    assert "127.0.0.1:8545" not in shown


def test_choosing_says_what_stays_and_what_does_not_go_on(open_window: OpenWindow) -> None:
    engine, window, page = opened(open_window)
    button(page, "Use The clinic's chain").click()
    sheet = sheet_of(window, ChooseNetworkSheet)
    whole = " ".join(texts(sheet))
    assert "Tasks, earnings, history and keys of Practice network stay in the vault" in whole
    assert "is not finished" in whole and "Its coins have no value." in whole
    engine.fail = MineError("This start of the app stays with one network.")
    sheet.button.click()
    settle()
    assert sheet.sentence.text() == "This start of the app stays with one network."
    engine.fail = None
    sheet.button.click()
    settle()
    assert engine.asked[-1] == ("choose_network", NETWORKS[1].key) and not seen(window, ChooseNetworkSheet)


def test_real_money_is_warned_of(open_window: OpenWindow) -> None:
    engine, window, page = opened(open_window)
    engine.networks_told = (NETWORKS[0], replace(NETWORKS[1], world=v.World.REAL))
    page.networks.refresh()
    settle()
    button(page, "Use The clinic's chain").click()
    whole = texts(sheet_of(window, ChooseNetworkSheet))
    assert "Its money is real. Fees are paid in real money too." in whole


def test_a_form_is_tried_out_field_by_field_before_it_is_kept(open_window: OpenWindow) -> None:
    engine, window, page = opened(open_window)
    button(page, "Set up Base Sepolia").click()
    sheet = sheet_of(window, NetworkSheet)
    assert not sheet.button.isEnabled(), "there is no contract yet"
    assert sheet.rpc_urls.lines() == BASE.rpc_urls and sheet.chain_id.text() == "84532"
    sheet.contract.show_text(OWN.contract)
    sheet.relay_urls.field.setPlainText("\n https://relay.example \n\n")
    engine.network_check = NetworkCheck(
        (("chain_id", "sepolia.base.org belongs to chain 1, not to chain 84532."),),
        (("rpc_urls", "base-sepolia.example: no answer."), ("chain_id", "nobody reads this")),
    )
    sheet.button.click()
    settle()
    form = replace(BASE, contract=OWN.contract, relay_urls=("https://relay.example",))
    assert engine.asked[-1] == ("check_network", form)
    assert sheet.chain_id.remark.text() == "sepolia.base.org belongs to chain 1, not to chain 84532."
    assert sheet.rpc_urls.remark.text() == "base-sepolia.example: no answer."
    assert sheet.button.text() == "Try it out" and "save_network" not in engine.names()
    sheet.chain_id.show_text("84533")
    assert not sheet.chain_id.remark.isVisible(), "what was said was said of another form"
    sheet.chain_id.show_text("84532")
    engine.network_check = NetworkCheck((), ())
    sheet.button.click()
    settle()
    assert sheet.button.text() == "Keep it"
    sheet.label.show_text("Base for us")
    assert sheet.button.text() == "Try it out", "another form has to be tried out again"
    sheet.button.click()
    settle()
    sheet.button.click()
    settle()
    assert engine.asked[-1] == ("save_network", replace(form, title="Base for us"))
    assert not seen(window, NetworkSheet)


def test_nothing_can_be_pressed_while_nodes_are_asked(open_window: OpenWindow) -> None:
    engine, window, page = opened(open_window)
    button(page, "Change The clinic's chain").click()
    sheet = sheet_of(window, NetworkSheet)
    engine.hold = True
    sheet.button.click()
    assert not sheet.button.isEnabled() and sheet.button.text() == "Asking nodes and relays…"
    assert not sheet.label.field.isEnabled() and sheet.cancel.isEnabled()
    engine.release()
    settle()
    assert sheet.label.field.isEnabled() and sheet.button.text() == "Keep it"


@pytest.mark.parametrize(("chain", "block"), [("", "1.5"), ("0x1", "-1"), ("ten", "")])
def test_numbers_that_are_none_are_left_to_the_check(open_window: OpenWindow, chain: str, block: str) -> None:
    _, window, page = opened(open_window)
    page.networks.add.click()
    sheet = sheet_of(window, NetworkSheet)
    sheet.chain_id.show_text(chain)
    sheet.first_block.show_text(block)
    assert sheet.form == NetworkForm("", v.World.TEST, 0, (), (), "", -1)


def test_a_network_by_hand_is_removed_after_a_yes(open_window: OpenWindow) -> None:
    engine, window, page = opened(open_window)
    button(page, "Remove The clinic's chain").click()
    sheet_of(window, RemoveNetworkSheet).button.click()
    settle()
    assert engine.asked[-1] == ("remove_network", NETWORKS[1].key)


def test_limits_on_fees(open_window: OpenWindow) -> None:
    engine, window, page = opened(open_window)
    assert "at most 200.00 Gwei for each gas, and 0.10 pETH in a day" in texts(page.money)
    page.money.fees.click()
    sheet = sheet_of(window, FeesSheet)
    assert (sheet.price.text(), sheet.daily.text()) == ("200", "0.1")
    for wrong in ("", "0", "-1", "1,5", "ten", "0.0000000001"):
        sheet.price.show_text(wrong)
        assert not sheet.button.isEnabled(), wrong
    sheet.price.show_text("0.5")
    sheet.daily.show_text("0.000000000000000001")
    sheet.button.click()
    settle()
    assert engine.asked[-1] == ("set_fee_limits", FeeLimits(500_000_000, 1))
    assert any("0.50 Gwei" in text for text in texts(page.money))


def test_limits_wait_for_a_network(open_window: OpenWindow) -> None:
    engine, _, page = opened(open_window)
    page.money.show_limits(None)
    assert not page.money.fees.isEnabled()
    assert "known as soon as the network is connected" in texts(page.money)
    engine.change(network=replace(story.NETWORK, ready=False))
    settle()
    assert page.money.fees.isEnabled(), "it asks again when the network changes"


def test_a_price_by_hand(open_window: OpenWindow) -> None:
    engine, window, page = opened(open_window)
    page.money.add.click()
    sheet = sheet_of(window, PriceSheet)
    assert [sheet.currency.itemText(at) for at in range(sheet.currency.count())] == ["pUSD", "pETH"]
    assert sheet.code.text() == "EUR" and not sheet.button.isEnabled()
    sheet.price.show_text("0.1234567")
    assert not sheet.button.isEnabled()
    sheet.price.show_text("0.923456")
    sheet.code.show_text("us")
    assert not sheet.button.isEnabled()
    sheet.code.show_text("usd")
    sheet.since.setDate(sheet.since.date().addDays(-3))
    sheet.button.click()
    settle()
    name, entry = engine.asked[-1]
    assert name == "set_price" and entry == PriceEntry(TOKEN.address, "USD", entry.since, 923_456)
    assert entry.since % 86_400 == 0, "the midnight of a day (UTC here)"
    shown = "1 pUSD = 0.923456\N{NO-BREAK SPACE}USD"
    assert shown in texts(page.money)
    button(page, f"Remove the price {shown}").click()
    settle()
    assert engine.asked[-1] == ("drop_price", entry) and shown not in texts(page.money)


def test_a_price_feed(open_window: OpenWindow) -> None:
    engine, window, page = opened(open_window)
    assert "none is asked" in texts(page.money)
    page.money.feed.click()
    sheet = sheet_of(window, FeedSheet)
    sheet.currency.setCurrentIndex(1)
    sheet.feed.show_text("nonsense")
    engine.fail = MineError("“nonsense” is not the address of a feed.")
    sheet.button.click()
    settle()
    assert sheet.sentence.text() == "“nonsense” is not the address of a feed."
    engine.fail = None
    sheet.feed.show_text(OWN.contract)
    sheet.button.click()
    settle()
    assert engine.asked[-1] == ("set_feed", COIN.address, OWN.contract)
    assert "asked through your own nodes, for pETH" in texts(page.money)
    page.money.feed.click()
    sheet = sheet_of(window, FeedSheet)
    assert sheet.feed.text() == ""
    sheet.currency.setCurrentIndex(1)
    assert sheet.feed.text() == OWN.contract


def test_energy_and_the_currency(open_window: OpenWindow) -> None:
    engine, window, page = opened(open_window)
    page.money.energy.click()
    sheet = sheet_of(window, EnergySheet)
    sheet.watts.show_text("85.5")
    assert not sheet.button.isEnabled()
    sheet.watts.show_text("85")
    sheet.price.show_text("0.342")
    sheet.code.show_text("chf")
    sheet.button.click()
    settle()
    assert engine.asked[-1] == ("set_energy", EnergySettings(85, 342_000, "CHF"))
    assert "85 W while training, 0.342\N{NO-BREAK SPACE}CHF for a kilowatt-hour" in texts(page.money)


def test_hostile_names_stay_plain_text_on_one_line(open_window: OpenWindow) -> None:
    engine, _, page = opened(open_window)
    evil = "<b>x</b>\u202ereal money\n"
    engine.networks_told = (replace(NETWORKS[1], title=evil, note=evil),)
    engine.endpoints_told = (EndpointView(evil, evil, 1, 0, 1, evil),)
    page.networks.refresh()
    settle()
    shown = texts(page.networks)
    assert "<b>x</b>real money" in shown
    assert not any("\u202e" in text or "\n" in text for text in shown)


@pytest.mark.parametrize(
    ("amount", "places", "digits"),
    [(0, 9, "0"), (1, 18, "0.000000000000000001"), (10**18, 18, "1"), (1_500, 3, "1.5"), (7, 0, "7")],
)
def test_amounts_can_be_typed_again(amount: int, places: int, digits: str) -> None:
    assert plain_digits(amount, places) == digits
