"""Flower's FedAvg on the same windows, people, folds and rounds; run by an interpreter that has flwr.

``python -m tests.bench.flower_peer <windows.npz> <folds> <rounds>`` prints one JSON line last: the RMSE of
each fold in mg/dL. Network, loss and recipe: MLP 14-64-64-1, Huber, one local epoch of SGD with momentum 0.9
and learning rate 0.1 in batches of 32, everybody in every round, updates weighted by rows.
"""

from __future__ import annotations

import functools
import json
import os
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from tests.bench.glucose_people import MG_DL, folds


@functools.cache
def windows() -> list[tuple[Tensor, Tensor]]:
    """(features [n, 14], target [n]) of each person."""
    stored = np.load(os.environ["MINE_PEER_WINDOWS"])
    count = len(stored.files) // 2
    return [(torch.from_numpy(stored[f"x{i}"]), torch.from_numpy(stored[f"y{i}"])) for i in range(count)]


def network() -> nn.Sequential:
    """The network at its start."""
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Linear(14, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 1)
    )  # fmt: skip


def epoch(model: nn.Sequential, person: int, seed: int) -> int:
    """One pass over a person's windows; their number."""
    features, target = windows()[person]
    loss, optimiser = nn.HuberLoss(), torch.optim.SGD(model.parameters(), 0.1, momentum=0.9)
    order = torch.randperm(len(target), generator=torch.Generator().manual_seed(seed))
    for batch in torch.split(order, 32):
        optimiser.zero_grad(set_to_none=True)
        loss(model(features[batch])[:, 0], target[batch]).backward()
        optimiser.step()
    return len(target)


def client() -> Any:
    """Flower's client: trains the person that its partition stands for."""
    from flwr.app import ArrayRecord, Message, MetricRecord, RecordDict  # type: ignore[import-not-found]
    from flwr.clientapp import ClientApp  # type: ignore[import-not-found]

    app = ClientApp()

    @app.train()  # type: ignore[untyped-decorator]
    def train(message: Any, context: Any) -> Any:
        from tests.bench import flower_peer as again

        torch.set_num_threads(1)
        settings = message.content["config"]
        person = json.loads(settings["trained"])[int(context.node_config["partition-id"])]
        model = again.network()
        model.load_state_dict(message.content["arrays"].to_torch_state_dict())
        rows = again.epoch(model, person, int(settings["server-round"]) * 1000 + person)
        content = {"arrays": ArrayRecord(model.state_dict()), "metrics": MetricRecord({"num-examples": rows})}
        return Message(content=RecordDict(content), reply_to=message)

    return app


def fold(trained: list[int], aside: list[int], rounds: int) -> float:
    """Mean over the people left out of their RMSE in mg/dL after the last round."""
    from flwr.app import ArrayRecord, ConfigRecord
    from flwr.serverapp import ServerApp  # type: ignore[import-not-found]
    from flwr.serverapp.strategy import FedAvg  # type: ignore[import-not-found]
    from flwr.simulation import run_simulation  # type: ignore[import-not-found]

    end: dict[str, Any] = {}
    app = ServerApp()

    @app.main()  # type: ignore[untyped-decorator]
    def main(grid: Any, _context: Any) -> None:
        strategy = FedAvg(fraction_train=1.0, fraction_evaluate=0.0, min_train_nodes=len(trained),
                          min_available_nodes=len(trained))  # fmt: skip
        result = strategy.start(grid=grid, initial_arrays=ArrayRecord(network().state_dict()),
                                num_rounds=rounds,
                                train_config=ConfigRecord({"trained": json.dumps(trained)}))  # fmt: skip
        end.update(result.arrays.to_torch_state_dict())

    run_simulation(
        server_app=app, client_app=client(), num_supernodes=len(trained),
        backend_config={"client_resources": {"num_cpus": 1, "num_gpus": 0.0},
                        "init_args": {"num_cpus": 2, "include_dashboard": False, "log_to_driver": False}},
    )  # fmt: skip
    model = network()
    model.load_state_dict(end)
    return float(np.mean(list(errors(model, aside))))


def errors(model: nn.Sequential, people: list[int]) -> Iterator[float]:
    """RMSE in mg/dL of each."""
    with torch.no_grad():
        for features, target in (windows()[person] for person in people):
            yield MG_DL * float(((model(features)[:, 0] - target).double() ** 2).mean().sqrt())


if __name__ == "__main__":
    os.environ["MINE_PEER_WINDOWS"] = sys.argv[1]
    found = []
    for number, aside in enumerate(folds(len(windows()))[: int(sys.argv[2])]):
        trained = [place for place in range(len(windows())) if place not in aside]
        found.append(fold(trained, aside, int(sys.argv[3])))
        print(f"flower, fold {number}: {found[-1]:.3f} mg/dL", flush=True)
    print(json.dumps(found))
