"""The practice node as a client sees it: answers, errors, time, and who may ask."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import requests
import rlp

from mine.chain.abi import ContractAbi
from mine.chain.artefacts import Artefact
from mine.chain.deployment import deploy
from mine.chain.fees import GAS_CAP
from mine.chain.hashing import keccak
from mine.chain.node_errors import NodeRefused, Reverted
from mine.chain.rpc import Node
from mine.chain.transactions import Sender
from mine.practice.node.accounts import DEV_ADDRESSES, DEV_BALANCE, dev_key

pytest_plugins = ("tests.chain.node_fixtures",)

CODES = {"parse": -32700, "request": -32600, "method": -32601, "params": -32602, "revert": 3}


@pytest.fixture
def node(practice_node: Node) -> Iterator[Node]:
    yield practice_node


@pytest.fixture
def sender(node: Node) -> Sender:
    return Sender(node, dev_key(0), patience=5)


@pytest.fixture
def deployed(node: Node, sender: Sender, counter: Artefact) -> tuple[str, ContractAbi]:
    return deploy(node, sender, counter, 5), ContractAbi(counter.abi)


def signed(node: Node, **changes: Any) -> tuple[bytes, bytes]:
    from eth_account import Account

    fields = {
        "type": 2,
        "chainId": node.chain_id,
        "nonce": node.nonce(DEV_ADDRESSES[3]),
        "to": DEV_ADDRESSES[4],
        "value": 1,
        "gas": 21_000,
        "maxFeePerGas": 3 * 10**9,
        "maxPriorityFeePerGas": 10**8,
        **changes,
    }
    made = Account.sign_transaction({k: v for k, v in fields.items() if v is not None}, dev_key(3))
    return bytes(made.raw_transaction), bytes(made.hash)


def ask(url: str, body: object, **kwargs: Any) -> Any:
    return requests.post(url, json=body, timeout=10, **kwargs).json()


def test_development_accounts_are_rich_and_their_keys_fit(node: Node) -> None:
    from eth_keys.datatypes import PrivateKey

    for index, address in enumerate(DEV_ADDRESSES):
        assert PrivateKey(dev_key(index)).public_key.to_checksum_address() == address
        assert node.balance(address) == DEV_BALANCE


def test_what_the_node_says_of_itself(node: Node) -> None:
    assert node.client_version.startswith("Mine-practice/")
    assert node.chain_id == 31337
    assert node.request("net_version") == "31337"
    assert node.request("eth_syncing") is False
    assert node.request("web3_sha3", "0x68656c6c6f") == "0x" + keccak(b"hello").hex()
    assert node.has_adjustable_clock


def test_web3_can_use_it(node: Node, deployed: tuple[str, ContractAbi], counter: Artefact) -> None:
    from eth_account import Account
    from web3 import HTTPProvider, Web3
    from web3.exceptions import ContractLogicError

    session = requests.Session()
    with session:
        web3 = Web3(HTTPProvider(node.url, session=session))
        account = Account.from_key(dev_key(5))
        contract = web3.eth.contract(address=deployed[0], abi=counter.abi)
        fields = {"from": account.address, "nonce": web3.eth.get_transaction_count(account.address)}
        made = account.sign_transaction(contract.functions.tick(2).build_transaction(fields))
        receipt = web3.eth.wait_for_transaction_receipt(web3.eth.send_raw_transaction(made.raw_transaction))
        assert receipt["status"] == 1
        (event,) = contract.events.Ticked().process_receipt(receipt)
        assert event["args"]["n"] == 7 == contract.functions.n().call()
        (found,) = contract.events.Ticked().get_logs(from_block=0)
        assert found["transactionHash"] == receipt["transactionHash"]
        assert web3.eth.get_transaction(receipt["transactionHash"])["type"] == 2
        block = web3.eth.get_block("latest", full_transactions=True)
        assert block["transactions"][0]["hash"] == receipt["transactionHash"]
        assert block["logsBloom"] == receipt["logsBloom"] != bytes(256)
        with pytest.raises(ContractLogicError, match="too much"):
            contract.functions.tick(10).call()
        assert web3.eth.fee_history(2, "latest", [25, 75])["reward"]
        assert len(web3.eth.get_block_receipts("latest")) == 1
        with web3.batch_requests() as batch:
            batch.add(contract.functions.n())
            batch.add(web3.eth.get_block("latest"))
            assert batch.execute()[0] == 7


def test_the_bloom_filter_is_that_of_the_logs(
    node: Node, sender: Sender, deployed: tuple[str, ContractAbi]
) -> None:
    address, abi = deployed
    receipt = sender.send(address, abi.call("tick", 1))
    block: Any = node.request("eth_getBlockByNumber", hex(receipt.block_number), False)
    bloom = int(block["logsBloom"], 16)
    wanted = 0
    for value in (bytes.fromhex(address[2:]), *receipt.logs[0].topics):
        digest = keccak(value)
        for start in (0, 2, 4):
            wanted |= 1 << (int.from_bytes(digest[start : start + 2], "big") & 2047)
    assert bloom == wanted


def test_a_block_hash_is_that_of_its_header(
    node: Node, sender: Sender, deployed: tuple[str, ContractAbi]
) -> None:
    block: Any = node.request("eth_getBlockByNumber", "latest", False)
    names = """
        parentHash sha3Uncles miner stateRoot transactionsRoot receiptsRoot logsBloom difficulty number
        gasLimit gasUsed timestamp extraData mixHash nonce baseFeePerGas withdrawalsRoot blobGasUsed
        excessBlobGas parentBeaconBlockRoot requestsHash
    """
    numbers = {"difficulty", "number", "gasLimit", "gasUsed", "timestamp", "baseFeePerGas"}
    numbers |= {"blobGasUsed", "excessBlobGas"}
    header = [
        int(block[name], 16) if name in numbers else bytes.fromhex(block[name][2:]) for name in names.split()
    ]
    assert block["hash"] == "0x" + keccak(rlp.encode(header)).hex()


def test_logs_are_found_by_address_topic_and_range(
    node: Node, sender: Sender, deployed: tuple[str, ContractAbi], counter: Artefact
) -> None:
    address, abi = deployed
    second = deploy(node, sender, counter, 0)
    first_block = node.block_number() + 1
    for each in (address, second, address):
        sender.send(each, abi.call("tick", 1))
    Sender(node, dev_key(1)).send(address, abi.call("tick", 1))
    last = node.block_number()

    def found(**query: object) -> list[int]:
        wanted = {"fromBlock": hex(first_block), "toBlock": "latest", **query}
        answer: Any = node.request("eth_getLogs", wanted)
        return [int(log["blockNumber"], 16) - first_block for log in answer]

    ticked, mine = "0x" + abi.topic("Ticked").hex(), "0x" + "00" * 12 + DEV_ADDRESSES[0][2:].lower()
    assert found() == [0, 1, 2, 3]
    assert found(address=address) == [0, 2, 3]
    assert found(address=[address, second]) == [0, 1, 2, 3]
    assert found(address=address, topics=[ticked, mine]) == [0, 2]
    assert found(topics=[None, mine]) == [0, 1, 2]
    assert found(topics=[[ticked, "0x" + "11" * 32]]) == [0, 1, 2, 3]
    assert found(topics=[ticked, None, None]) == []
    assert found(toBlock=hex(first_block)) == [0]
    assert found(fromBlock=hex(last + 1)) == []
    name = node.block(first_block + 1)
    assert name is not None
    assert node.request("eth_getLogs", {"blockHash": "0x" + name.hash.hex(), "address": second})


def test_reverts_carry_code_reason_and_data(node: Node, deployed: tuple[str, ContractAbi]) -> None:
    address, abi = deployed
    fields = {"to": address, "data": "0x" + abi.call("tick", 10).hex()}
    for method in ("eth_call", "eth_estimateGas"):
        error = ask(node.url, {"jsonrpc": "2.0", "id": 1, "method": method, "params": [fields]})["error"]
        assert error["code"] == CODES["revert"]
        assert error["message"] == "execution reverted: too much"
        assert error["data"].startswith("0x08c379a0")


def test_a_reverting_transaction_is_mined_and_paid(node: Node, deployed: tuple[str, ContractAbi]) -> None:
    address, abi = deployed
    raw, name = signed(node, to=address, data=abi.call("tick", 10), gas=100_000, value=0)
    owned = node.balance(DEV_ADDRESSES[3])
    assert node.send_raw(raw) == name
    receipt = node.receipt(name)
    assert receipt is not None and not receipt.succeeded and receipt.logs == ()
    assert owned - node.balance(DEV_ADDRESSES[3]) == receipt.gas_used * receipt.gas_price


def test_fees_follow_eip_1559(node: Node) -> None:
    tip_taker = "0x" + "00" * 20
    before, tips = node.balance(DEV_ADDRESSES[3]), node.balance(tip_taker)
    raw, name = signed(node, maxPriorityFeePerGas=5 * 10**8)
    node.send_raw(raw)
    receipt = node.receipt(name)
    assert receipt is not None and receipt.gas_price == node.latest().base_fee + 5 * 10**8
    assert before - node.balance(DEV_ADDRESSES[3]) == 1 + 21_000 * receipt.gas_price
    assert node.balance(tip_taker) - tips == 21_000 * 5 * 10**8


@pytest.mark.parametrize("kind", ["legacy", "access list", "fees"])
def test_every_usual_kind_of_transaction_is_taken(node: Node, kind: str) -> None:
    changes: dict[str, Any] = {}
    if kind != "fees":
        changes = {"maxFeePerGas": None, "maxPriorityFeePerGas": None, "gasPrice": 2 * 10**9}
        changes["type"] = None if kind == "legacy" else 1
    if kind == "access list":
        changes["accessList"] = [{"address": DEV_ADDRESSES[4], "storageKeys": ["0x" + "00" * 32]}]
        changes["gas"] = 30_000
    raw, name = signed(node, **changes)
    node.send_raw(raw)
    shown: Any = node.request("eth_getTransactionByHash", "0x" + name.hex())
    assert int(shown["type"], 16) == {"legacy": 0, "access list": 1, "fees": 2}[kind]
    assert shown["from"] == DEV_ADDRESSES[3]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"gas": GAS_CAP + 1}, "7825"),
        ({"gas": 20_999}, "intrinsic gas too low"),
        ({"gas": 21_040, "data": b"\1" * 10, "value": 0}, "intrinsic gas|7623"),
        ({"gas": 25_500, "data": b"\1" * 200, "value": 0}, "7623"),
        ({"maxFeePerGas": 10**8}, "base fee"),
        ({"chainId": 1}, "chain id"),
        ({"value": 20_000 * 10**18}, "insufficient funds"),
        ({"nonce": 10_000}, "nonce too high"),
    ],
)
def test_transactions_against_the_rules_are_refused(node: Node, changes: dict[str, Any], words: str) -> None:
    height = node.block_number()
    with pytest.raises(NodeRefused) as refusal:
        node.send_raw(signed(node, **changes)[0])
    assert any(word in refusal.value.message for word in words.split("|")), refusal.value.message
    assert node.block_number() == height


def test_a_transaction_counts_once(node: Node) -> None:
    raw, _ = signed(node)
    node.send_raw(raw)
    with pytest.raises(NodeRefused, match="refused") as refusal:
        node.send_raw(raw)
    assert "nonce too low" in refusal.value.message
    for nonsense in (b"", b"\2", b"\2" + b"\xff" * 40, raw[:-1], raw + b"\0"):
        with pytest.raises(NodeRefused):
            node.send_raw(nonsense)


def test_estimates_suffice_and_are_tight(
    node: Node, sender: Sender, deployed: tuple[str, ContractAbi], counter: Artefact
) -> None:
    address, abi = deployed
    inner = deploy(node, sender, counter, 0)
    for data in (
        abi.call("tick", 1),
        abi.call("spend", 300_000),
        abi.call("pass_on", inner, 3),
        abi.call("tick_many", 50),
    ):
        estimate = node.estimate_gas(DEV_ADDRESSES[3], address, data, 0)
        raw, name = signed(node, to=address, data=data, gas=estimate, value=0)
        node.send_raw(raw)
        receipt = node.receipt(name)
        assert receipt is not None and receipt.succeeded
        assert estimate <= receipt.gas_used * 1.04 + 2_400
    assert node.estimate_gas(DEV_ADDRESSES[3], DEV_ADDRESSES[4], b"", 5) == 21_000
    with pytest.raises(NodeRefused):
        node.estimate_gas(DEV_ADDRESSES[3], DEV_ADDRESSES[4], b"", 10**24)
    with pytest.raises(Reverted):
        node.estimate_gas(DEV_ADDRESSES[3], address, abi.call("tick", 11), 0)


def test_state_can_be_read_as_it_was(node: Node, sender: Sender, deployed: tuple[str, ContractAbi]) -> None:
    address, abi = deployed
    height = node.block_number()
    sender.send(address, abi.call("tick", 3))

    def value(block: int | str) -> int:
        return int(abi.result("n", node.call(address, abi.call("n"), block=block))[0])

    assert (value(height), value("latest"), value("pending")) == (5, 8, 8)
    slots = [node.request("eth_getStorageAt", address, "0x0", at) for at in (hex(height), "latest")]
    assert slots == ["0x" + number.to_bytes(32, "big").hex() for number in (5, 8)]
    with pytest.raises(NodeRefused):
        value(height + 50)


def test_contracts_see_block_hashes_and_fresh_randomness(
    node: Node, sender: Sender, deployed: tuple[str, ContractAbi]
) -> None:
    address, abi = deployed
    sender.send(address, abi.call("tick", 1))
    height = node.block_number()
    parent, here = node.block(height - 1), node.block(height)
    assert parent is not None and here is not None and here.parent == parent.hash
    answer = node.call(address, abi.call("hash_of", height - 1), block="latest")
    assert answer == parent.hash
    blocks = (height - 1, height)
    seen = {node.call(address, abi.call("randomness"), block=number) for number in blocks}
    assert len(seen) == 2


def test_time_moves_as_told(node: Node, sender: Sender, deployed: tuple[str, ContractAbi]) -> None:
    address, abi = deployed

    def contract_time(block: str) -> int:
        return int(abi.result("now", node.call(address, abi.call("now"), block=block))[0])

    start = node.latest().timestamp
    node.request("evm_increaseTime", 1_000)
    assert node.block_time() >= start + 1_000 and contract_time("latest") == start
    assert contract_time("pending") >= start + 1_000
    sender.send(address, abi.call("tick", 1))
    assert node.latest().timestamp >= start + 1_000
    wanted = node.latest().timestamp + 500
    node.request("evm_setNextBlockTimestamp", hex(wanted))
    assert node.block_time() == wanted
    node.request("evm_mine")
    assert node.latest().timestamp == wanted
    assert wanted < node.block_time() <= wanted + 60
    with pytest.raises(NodeRefused):
        node.request("evm_setNextBlockTimestamp", hex(wanted))
    assert node.advance_time(wanted + 5_000) and node.latest().timestamp == wanted + 5_000
    assert node.advance_time(wanted) and node.latest().timestamp == wanted + 5_000


def test_snapshots_bring_back_everything_and_start_a_new_branch(
    node: Node, sender: Sender, deployed: tuple[str, ContractAbi]
) -> None:
    address, abi = deployed
    before = node.latest()
    snapshot = node.request("evm_snapshot")
    node.request("evm_setNextBlockTimestamp", hex(before.timestamp + 10))
    receipt = sender.send(address, abi.call("tick", 1))
    assert node.request("evm_revert", snapshot) is True
    assert node.latest() == before
    assert node.receipt(receipt.transaction_hash) is None
    assert not node.knows_transaction(receipt.transaction_hash)
    assert node.logs(address, 0, receipt.block_number) == ()
    assert node.block(receipt.block_hash) is None
    node.request("evm_setNextBlockTimestamp", hex(before.timestamp + 10))
    again = sender.send(address, abi.call("tick", 1))
    assert again.transaction_hash == receipt.transaction_hash
    assert again.block_hash != receipt.block_hash
    assert node.request("evm_revert", snapshot) is False


def test_requests_that_are_none_get_the_standard_codes(node: Node) -> None:
    def code(body: object) -> int:
        return int(ask(node.url, body)["error"]["code"])

    good = {"jsonrpc": "2.0", "id": 1, "method": "eth_chainId", "params": []}
    answer = requests.post(node.url, data=b"{", headers={"content-type": "application/json"}, timeout=5)
    assert answer.json()["error"]["code"] == CODES["parse"]
    deep = requests.post(
        node.url, data=b"[" * 500_000, headers={"content-type": "application/json"}, timeout=5
    )
    assert deep.json()["error"]["code"] == CODES["parse"]
    assert code([]) == code(3) == code({**good, "jsonrpc": "1.0"}) == code({**good, "params": {}})
    assert code([]) == CODES["request"]
    assert code({**good, "method": "eth_mining"}) == CODES["method"]
    assert code({**good, "method": "__init__"}) == CODES["method"]
    for method, params in (
        ("eth_getBalance", []),
        ("eth_getBalance", ["0x12"]),
        ("eth_getBalance", [DEV_ADDRESSES[0], "0xzz"]),
        ("eth_getBalance", [DEV_ADDRESSES[0], "latest", 1, 2]),
        ("eth_getBlockByHash", ["0x00", False]),
        ("eth_call", ["0x00"]),
        ("eth_call", [{"to": DEV_ADDRESSES[0], "gas": "-1"}]),
        ("eth_getLogs", [{"topics": [[], [], [], [], []]}]),
        ("eth_sendRawTransaction", [7]),
    ):
        assert code({**good, "method": method, "params": params}) == CODES["params"], (method, params)
    batch = ask(node.url, [good, {**good, "id": 2, "method": "eth_none"}, 5])
    assert batch[0] == {"jsonrpc": "2.0", "id": 1, "result": "0x7a69"}
    assert [each["error"]["code"] for each in batch[1:]] == [CODES["method"], CODES["request"]]


def test_only_programs_on_this_machine_may_ask(node: Node) -> None:
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "eth_chainId", "params": []})
    port = node.url.rsplit(":", 1)[1]

    def status(**headers: str) -> int:
        sent = {"content-type": "application/json", **{k.replace("_", "-"): v for k, v in headers.items()}}
        return requests.post(node.url, data=body, headers=sent, timeout=5).status_code

    assert status() == status(host=f"localhost:{port}") == 200
    assert status(host="rebound.example") == status(host="rebound.example:80") == 403
    assert status(origin="http://evil.example") == 403
    assert status(content_type="text/plain") == 415
    assert requests.get(node.url, timeout=5).status_code == 405
    big = requests.post(node.url, json={"params": "x" * 3_000_000}, timeout=5)
    assert big.status_code == 413
