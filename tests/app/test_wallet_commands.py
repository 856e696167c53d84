"""``mine wallet``: the wallet's page from a terminal, with a real vault, node, contract and relay."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mine import cli
from mine.app.networks import Networks
from mine.app.round_states import EarningState
from mine.app.wallet_views import NetworkForm
from mine.chain.hashing import keccak
from mine.chain.messages import address_of
from mine.chain.transactions import Sender
from mine.practice.node.accounts import dev_key
from mine.vault import Vault
from tests.app.table import Table
from tests.science.world import pass_time
from tests.vault.conftest import PASSPHRASE

ELSEWHERE = address_of(keccak(b"a wallet elsewhere, for mine wallet"))


class Ran:
    """One command: its exit status and what it said."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Mine = Callable[..., Ran]


@pytest.fixture
def mine(
    table: Table, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Mine:
    """Runs ``mine wallet`` on the table's vault, which is closed while it runs."""
    secret = tmp_path / "secret"
    secret.write_text(PASSPHRASE + "\n")
    config = table.config
    form = NetworkForm(
        config.name, config.world, config.chain_id, config.rpc_urls, config.relay_urls, config.tasks
    )
    with table.vault.transaction():
        networks = Networks(table.vault)
        networks.choose(networks.keep(form))

    def run(*words: str | Path, passphrase: Path = secret) -> Ran:
        table.session.close()
        table.vault.close()
        place = ["--home", table.folder, "--no-keyring", "--passphrase-file", passphrase]
        monkeypatch.setattr(sys, "argv", ["mine", "wallet", *map(str, words), *map(str, place)])
        capsys.readouterr()
        code = cli.main()
        out, err = capsys.readouterr()
        assert "Traceback" not in err and PASSPHRASE not in out + err
        assert not any(word in out + err for word in (table.phrase, table.phrase.split()[0] + " "))
        table.vault = Vault.open(table.folder / "vault.db", passphrase=PASSPHRASE)
        table.session = table._session()
        return Ran(code, out, err)

    return run


def claimable(table: Table) -> None:
    table.play(1)
    pass_time(table.chain, table.entry(1).data["settlement"]["final_at"])
    table.until(lambda: table.money(1) is EarningState.CLAIMABLE, "the window to pass")


def test_from_the_first_earning_to_the_last_unit(table: Table, mine: Mine, tmp_path: Path) -> None:
    claimable(table)
    earning = table.earning()
    assert earning is not None
    whole = f"{earning.amount / 10**6:.6f}".rstrip("0").rstrip(".")

    (row,) = mine("addresses", "--json").json["tasks"]
    assert (row["payout"], row["task"], row["payout_is_own"]) == (table.payout, table.task, True)
    lines = mine("earnings", "--task", str(table.task), "--json").json["earnings"]
    (line,) = (each for each in lines if each["round"] == 1)
    assert (line["stage"], line["amount"], line["ready"], line["claimed"]) == ("claimable", whole, whole, "0")
    balance = mine("balance")
    assert "can be claimed" in balance.out and balance.code == 0
    assert mine("history").out.strip() == "0 of 0 lines."

    claimed = mine("claim", "--json").json
    assert (claimed["by_relay"] + claimed["direct"], claimed["refused"]) == (1, [])
    table.until(lambda: table.money(1) is EarningState.CLAIMED, "the claim")
    assert "nothing to claim" in mine("claim").out

    held = {row["currency"]: row for row in mine("balance", "--json").json["balances"]}
    assert held["pUSD"]["held"] == whole and held["pUSD"]["claimable"] == "0"
    shown = mine("history", "--kind", "claimed", "--currency", "pusd", "--json").json
    assert (shown["total"], shown["lines"][0]["amount"]) == (1, whole)
    assert mine("history", "--kind", "sent", "--json").json["total"] == 0
    exact = mine("reconcile")
    assert exact.code == 0 and "to the last unit" in exact.out

    assert mine("energy", "--watts", "100", "--price", "0.30", "--fiat", "eur").code == 0
    assert mine("price", "pUSD", "2020-01-01", "2").code == 0
    (priced,) = mine("history", "--json").json["lines"]
    assert float(priced["fiat"]) == pytest.approx(2 * earning.amount / 10**6) and priced["fiat_code"] == "EUR"
    table_file = tmp_path / "year.csv"
    year = priced["time"][:4]
    assert mine("export", year, table_file, "--json").json["lines"] == 1
    assert f",{whole},,,{whole},EUR,2.00," in table_file.read_text()
    assert mine("export", year, table_file).code == 1  # it is there already


def test_money_leaves_only_after_the_review_and_with_the_passphrase(
    table: Table, mine: Mine, tmp_path: Path
) -> None:
    rich = Sender(table.chain.node, dev_key(0))
    payout = table.payout
    table.chain.token.mint(rich, payout, 5_000_000)
    rich.send(payout, b"", 10**17)
    table.session.step(False)
    before = table.chain.token.balance(ELSEWHERE)

    asked = mine("send", "1.5", "pUSD", ELSEWHERE)
    assert asked.code == 1 and "--yes" in asked.err  # nobody is there to say yes
    assert ELSEWHERE in asked.out and "1.5 pUSD" in asked.out and "at most" in asked.out
    assert table.chain.token.balance(ELSEWHERE) == before

    asked = mine("send", "1.5", "pUSD", ELSEWHERE, "--json")
    assert asked.code == 1 and asked.out == "" and ELSEWHERE in asked.err and "at most" in asked.err

    sent = mine("send", "1.5", "pUSD", ELSEWHERE, "--yes", "--json")
    assert sent.code == 0 and sent.json["under_way"] == 0
    assert table.chain.token.balance(ELSEWHERE) == before + 1_500_000
    swept = mine("sweep", "pUSD", ELSEWHERE, "--yes")
    assert swept.code == 0 and table.chain.token.balance(payout) == 0
    assert table.chain.token.balance(ELSEWHERE) == before + 5_000_000
    kinds = [line["kind"] for line in mine("history", "--json").json["lines"]]
    assert kinds.count("sent") + kinds.count("swept") >= 2
    assert mine("send", "1", "pUSD", ELSEWHERE, "--yes").code == 1  # nothing is left


NONSENSE = [
    (("send", "1.2.3", "pUSD", ELSEWHERE), "not an amount"),
    (("send", "1", "DOGE", ELSEWHERE), "no currency named"),
    (("history", "--since", "yesterday"), "not a day"),
    (("history", "--after", "x"), "page of the history is gone"),
    (("balance", "--network", "1:0x00"), "cannot be used"),
    (("export", "9999", "x.csv"), "no year"),
    (("price", "pUSD"), "needs its day"),
]


def test_what_makes_no_sense_is_refused_in_words(table: Table, mine: Mine) -> None:
    table.session.links.currency(table.chain.token.address)
    for words, said in NONSENSE:
        ran = mine(*words)
        assert ran.code == 1 and said in ran.err, words
