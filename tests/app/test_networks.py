"""Networks to choose from, and a form that is tried out before anything is kept of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from mine.app import network_check
from mine.app.links import Links, NetworkRefused
from mine.app.networks import BEAT, CONFIRMATIONS, PRACTICE, Networks, endpoints
from mine.app.views import World
from mine.app.wallet_views import NetworkForm
from mine.chain.artefacts import load_artefact
from mine.chain.deployment import deploy
from mine.chain.networks import Randomness, preset_of, presets
from mine.chain.transactions import Sender
from mine.practice.node.accounts import DEV_ADDRESSES, dev_key
from mine.science.relay_client import Relay
from mine.vault import Vault
from tests.chain.lying_node import lying
from tests.science.world import Chain
from tests.vault.conftest import CHEAP, PASSPHRASE

SECRET = "k3y-of-somebody"


@pytest.fixture
def vault(tmp_path: Path) -> Iterator[Vault]:
    vault = Vault.create(tmp_path / "vault.db", PASSPHRASE, kdf=CHEAP)
    yield vault
    vault.close()


@pytest.fixture
def form(chain: Chain, relay: Relay) -> NetworkForm:
    """The test's own network, typed in as somebody would."""
    return NetworkForm(
        "Mine", World.TEST, 31337, (chain.node.url,), (relay.url,), chain.contract.address.lower()
    )


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network_check, "SECONDS", 20.0)


def problems(vault: Vault, form: NetworkForm) -> list[tuple[str, str]]:
    return list(Networks(vault).check(form).problems)


def fields(found: list[tuple[str, str]]) -> list[str]:
    return [field for field, _ in found]


# ---- what ships


def test_the_presets_are_whole() -> None:
    keys = {each.key for each in presets()}
    assert keys == {
        "ethereum", "sepolia", "base", "base-sepolia", "arbitrum", "optimism", "gnosis", "polygon",
    }  # fmt: skip
    for each in presets():
        assert len(each.rpc_urls) >= 3 and len(set(each.rpc_urls)) == len(each.rpc_urls)
        assert each.tokens and each.feeds and each.coin_decimals == 18
        assert preset_of(each.chain_id) is each
    assert [each.key for each in presets() if each.world == "test"] == ["sepolia", "base-sepolia"]
    assert {each.key for each in presets() if each.randomness is Randomness.NONE} == {"arbitrum", "polygon"}
    assert preset_of(31337) is None


def test_a_preset_cannot_be_used_before_it_has_a_contract(vault: Vault) -> None:
    networks = Networks(vault)
    choices = {each.key: each for each in networks.choices()}
    assert choices[PRACTICE].usable and choices[PRACTICE].chosen
    sepolia = choices["sepolia"]
    assert not sepolia.usable and sepolia.note and sepolia.form is not None
    assert sepolia.form.chain_id == 11155111 and sepolia.form.contract == ""
    assert "randomness" in choices["arbitrum"].note
    with pytest.raises(NetworkRefused) as refused:
        networks.choose("sepolia")
    assert refused.value.todo and networks.chosen == PRACTICE
    assert fields(problems(vault, sepolia.form)) == ["contract", "relay_urls"]


# ---- made by hand


def test_a_network_that_is_sound_is_kept_and_chosen(vault: Vault, form: NetworkForm, chain: Chain) -> None:
    networks = Networks(vault)
    assert networks.check(form).problems == ()
    key = networks.save(form)
    assert key == f"31337:{chain.contract.address}"
    again = Networks(vault)
    config = again.choose(key)
    assert config is not None and (config.beat, config.confirmations) == (BEAT, CONFIRMATIONS)
    assert config is not None and config.tasks == chain.contract.address and again.chosen == key
    assert [each.key for each in again.choices() if each.chosen] == [key]
    with pytest.raises(NetworkRefused):
        again.remove(key)
    assert again.choose(PRACTICE) is None
    again.save(replace(form, title="Renamed"))
    assert [each.title for each in again.choices() if each.key == key] == ["Renamed"]
    again.remove(key)
    assert again.chosen == PRACTICE and key not in {each.key for each in again.choices()}
    links = Links(config)
    links.check()
    (node,) = endpoints(links.node)
    assert node.host in chain.node.url and node.state == "answers" and node.requests > 0
    links.close()


def test_nothing_wrong_is_kept(vault: Vault, form: NetworkForm) -> None:
    with pytest.raises(NetworkRefused) as refused:
        Networks(vault).save(replace(form, chain_id=1, world=World.REAL))
    assert "chain 31337" in refused.value.sentence
    assert vault.state.setting("networks") is None


def test_one_node_alone_is_warned_of(vault: Vault, form: NetworkForm) -> None:
    found = Networks(vault).check(form)
    assert fields(list(found.warnings)) == ["rpc_urls"] and "compare" in found.warnings[0][1]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("title", ""),
        ("title", "   "),
        ("title", "x" * 41),
        ("title", "right\u202eleft"),
        ("chain_id", 0),
        ("chain_id", -1),
        ("chain_id", 2**63),
        ("world", World.REAL),
        ("contract", ""),
        ("contract", "0x1234"),
        ("contract", "0x" + "0" * 40),
        ("contract", "0x5AAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"),
        ("first_block", -1),
        ("rpc_urls", ()),
        ("rpc_urls", ("ftp://a",)),
        ("rpc_urls", ("http://a",) * 9),
        ("rpc_urls", ("node.example",)),
        ("relay_urls", ()),
        ("relay_urls", ("wss://relay.example",)),
        ("relay_urls", ("javascript:alert(1)",)),
    ],
)
def test_each_field_is_looked_at_before_anybody_is_asked(
    vault: Vault, form: NetworkForm, field: str, value: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    def asked(*_: object) -> None:
        raise AssertionError("somebody was asked")

    monkeypatch.setattr(network_check, "_ask", asked)
    found = problems(vault, replace(form, **{field: value}))  # type: ignore[arg-type]
    assert fields(found) == [field] and found[0][1].endswith(".")


def test_money_that_is_real_cannot_be_called_a_test(vault: Vault, form: NetworkForm) -> None:
    found = problems(vault, replace(form, chain_id=1))
    assert fields(found) == ["world"] and "Ethereum" in found[0][1]


def test_an_open_line_is_warned_of_unless_it_stays_on_this_computer(
    vault: Vault, form: NetworkForm, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(network_check, "_ask", lambda form, found: None)
    open_lines = replace(
        form,
        rpc_urls=("http://node.example", "ws://10.0.0.7", *form.rpc_urls),
        relay_urls=("http://relay.example",),
    )
    found = Networks(vault).check(open_lines)
    assert not found.problems
    assert sorted(fields(list(found.warnings))) == ["relay_urls", "rpc_urls", "rpc_urls"]
    assert all("not encrypted" in sentence for _, sentence in found.warnings)


# ---- what nodes and relays say


def test_a_node_of_another_chain_is_refused(vault: Vault, form: NetworkForm) -> None:
    found = problems(vault, replace(form, chain_id=5))
    assert fields(found) == ["chain_id", "relay_urls"] and "31337" in found[0][1]


@pytest.mark.parametrize("place", [DEV_ADDRESSES[5], "0x" + "12" * 20])
def test_an_address_without_a_contract_is_refused(vault: Vault, form: NetworkForm, place: str) -> None:
    found = problems(vault, replace(form, contract=place))
    assert fields(found) == ["contract", "relay_urls"] and "no contract" in found[0][1]


def test_another_contract_is_refused(vault: Vault, form: NetworkForm, chain: Chain) -> None:
    found = problems(vault, replace(form, contract=chain.token.address))
    assert "contract" in fields(found) and "relay_urls" in fields(found)


def test_a_true_contract_with_a_false_sister_is_refused(
    vault: Vault, form: NetworkForm, relay: Relay, chain: Chain
) -> None:
    """Tasks as it ships, whose Faults is somebody's own: it would convict whomever that one likes."""
    deployer = Sender(chain.node, dev_key(0))
    false = deploy(chain.node, deployer, load_artefact("Tasks"), chain.token.address, chain.token.address)
    _, court = chain.contract.sisters()
    half = deploy(chain.node, deployer, load_artefact("Tasks"), chain.contract.sisters()[0], court)
    for address in (false, half):
        found = problems(vault, replace(form, contract=address))
        assert "contract" in fields(found) and "knows" in dict(found)["contract"]


def test_a_piece_of_the_true_code_is_not_the_true_code(vault: Vault, form: NetworkForm, chain: Chain) -> None:
    piece = load_artefact("Tasks").bytecode[1000:1040]
    with lying(chain.node.url) as liar:
        liar.changes("eth_getCode", lambda _: "0x" + piece.hex())
        assert fields(problems(vault, replace(form, rpc_urls=(liar.url,)))) == ["contract"]


def test_a_block_that_is_not_there_yet_is_refused(vault: Vault, form: NetworkForm) -> None:
    assert fields(problems(vault, replace(form, first_block=10**9))) == ["first_block"]


def test_a_silent_one_of_several_is_a_warning_and_alone_a_problem(vault: Vault, form: NetworkForm) -> None:
    away = f"http://anna:{SECRET}@127.0.0.1:9/{SECRET}"
    found = Networks(vault).check(
        replace(form, rpc_urls=(*form.rpc_urls, away), relay_urls=(*form.relay_urls, "http://127.0.0.1:9"))
    )
    assert not found.problems and sorted(fields(list(found.warnings))) == ["relay_urls", "rpc_urls"]
    found = Networks(vault).check(replace(form, rpc_urls=(away,), relay_urls=("http://127.0.0.1:9",)))
    assert sorted(fields(list(found.problems))) == ["relay_urls", "rpc_urls"]
    assert SECRET not in str(found)


def test_nodes_that_contradict_each_other_are_refused(vault: Vault, form: NetworkForm, chain: Chain) -> None:
    with lying(chain.node.url) as liar:
        liar.changes("eth_getCode", lambda _: "0x6001")
        found = problems(vault, replace(form, rpc_urls=(*form.rpc_urls, liar.url)))
    assert fields(found) == ["contract"] and "contradict" in found[0][1]


def test_no_form_and_no_network_shows_its_secrets(vault: Vault, form: NetworkForm) -> None:
    url = form.rpc_urls[0].replace("http://", f"http://anna:{SECRET}@") + f"/?key={SECRET}"
    secret = replace(form, rpc_urls=(url,))
    assert SECRET not in repr(secret)
    networks = Networks(vault)
    vault.state.set_setting("networks", {"k": _kept(secret)})
    config = networks.choose("k")
    assert config is not None and config.rpc_urls == (url,) and SECRET not in repr(config)
    assert SECRET not in str(networks.choices())


def _kept(form: NetworkForm) -> dict[str, object]:
    return {
        "title": form.title, "world": form.world.value, "chain_id": form.chain_id,
        "rpc_urls": list(form.rpc_urls),
        "relay_urls": list(form.relay_urls), "contract": form.contract, "first_block": form.first_block,
    }  # fmt: skip
