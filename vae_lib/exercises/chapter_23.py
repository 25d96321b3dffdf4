"""Checks of chapter 23, beyond one machine."""

import json

import numpy as np

from vae_lib.exercises.judge import Hint, judge

_HOSTS = ["node1:2301", "node2:2301", "node3:2302"]
# Gradients of the mean over three parts of a batch, and how many examples each part has.
_GRADIENTS = np.array([[0.7, -1.2, 3.1, 0.4], [-0.6, 2.3, 0.9, -1.7], [1.9, 0.2, -0.8, 2.6]])
_SIZES = np.array([70, 20, 10])
# Seconds an example, weights, seconds a message, numbers a second, machines.
_B, _WEIGHTS, _LATENCY, _SPEED, _REPLICAS = 3e-4, 2.5e6, 2e-3, 1.7e8, 5


def check_machines_config(config):
    """``config(hosts, index)``: the text of TF_CONFIG for worker number ``index`` of those at ``hosts``."""
    right = {"cluster": {"worker": _HOSTS}, "task": {"type": "worker", "index": 1}}
    answer = config(list(_HOSTS), 1)
    if answer is None:
        raise Hint("your function returned None: does it end in «return …»?")
    if isinstance(answer, dict):
        raise Hint("a variable of the environment is text: json.dumps turns the dictionary into it")
    if not isinstance(answer, str):
        raise Hint(f"text was expected; your answer is of type {type(answer).__name__}")
    try:
        answer = json.loads(answer)
    except json.JSONDecodeError as error:
        if "'" in answer:
            raise Hint("this is Python's text, not JSON's, which wants double quotes: json.dumps") from None
        raise Hint(f"this is not JSON: {error}") from None
    if not isinstance(answer, dict) or set(answer) != {"cluster", "task"}:
        raise Hint('two entries were expected: "cluster", who the workers are, and "task", which of them this one is')
    if answer["cluster"] == _HOSTS:
        raise Hint('"cluster" names a list for each kind of task: {"worker": hosts}')
    hosts = answer["cluster"].get("worker") if isinstance(answer["cluster"], dict) else None
    if not isinstance(hosts, list):
        raise Hint('"cluster" must hold the list of the hosts under "worker"')
    if hosts != _HOSTS:
        if sorted(hosts) == sorted(_HOSTS):
            raise Hint("the list must be the same on every machine, in the order given: the index says who reads it")
        if set(hosts) < set(_HOSTS):
            raise Hint("the list must hold every worker, also the one that reads it")
        raise Hint(f'"worker" must be {_HOSTS}; yours is {hosts}')
    task = answer["task"]
    if not isinstance(task, dict) or set(task) != {"type", "index"}:
        raise Hint('"task" has two entries, "type" and "index"')
    if task["type"] != "worker":
        raise Hint(f'every one of them is of the type "worker"; yours is {task["type"]!r}')
    if task["index"] == "1":
        raise Hint("the index is a number, not text")
    if task["index"] in (0, 2):
        raise Hint(f"worker number 1 was asked for, and workers count from zero; yours has the index {task['index']}")
    if answer != right:
        raise Hint(f"the index must be 1; yours is {task['index']!r}")
    right["task"]["index"] = 2
    if json.loads(config(list(_HOSTS), 2)) != right:
        raise Hint("for worker number 1 this is right, but for number 2 it is not: the index is the one asked for")
    print("✓ right: the same list for all, and a number for each")


def check_machines_gradient(gradient):
    """``gradient(gradients, sizes)``: the gradient of the mean over a batch, [P], from those over its parts, [R, P]."""
    total = _SIZES.sum()
    right = _SIZES @ _GRADIENTS / total
    mistakes = [
        (_GRADIENTS.mean(axis=0), "every part counts alike here; it is every example that should: weight by the sizes"),
        (_GRADIENTS.sum(axis=0), "you added the means: with R parts this is R times too large, and sizes do not count"),
        (_SIZES @ _GRADIENTS, "this is the sum over the examples: divide by their number, sizes.sum()"),
        (
            _SIZES @ _GRADIENTS / len(_SIZES),
            "you divided by the number of parts: divide by the number of examples, sizes.sum()",
        ),
        (
            (_GRADIENTS / _SIZES[:, None]).sum(axis=0),
            "each part's gradient is a mean already: multiply by its size, do not divide",
        ),
        ((1 / _SIZES) @ _GRADIENTS / (1 / _SIZES).sum(), "the small parts weigh most here: multiply by the sizes"),
        (_SIZES[:, None] * _GRADIENTS / total, "these are the shares: add them up over the parts, axis 0"),
        ((_SIZES @ _GRADIENTS / total).sum(), "you summed over the weights too: one number for each weight, [P]"),
    ]
    judge(gradient(_GRADIENTS.copy(), _SIZES.copy()), right, mistakes, praise="right: every example counts alike")


def check_machines_batch(batch):
    """``batch(b, weights, latency, speed, replicas)``: the batch size above which that many machines are faster."""
    send = _WEIGHTS / _SPEED
    rounds = _REPLICAS - 1
    right = 2 * (_REPLICAS * _LATENCY + send) / _B
    mistakes = [
        (right / 2, "the ring goes round twice: R − 1 rounds to add, R − 1 to hand the sums on"),
        (
            2 * rounds * (_LATENCY + send / _REPLICAS) / _B,
            "computing does not vanish on R machines: what is saved is b B (1 − 1/R), not b B",
        ),
        (
            2 * _REPLICAS * (_LATENCY + send) / _B,
            "each round sends one piece, P/R numbers, not all of them",
        ),
        (
            2 * rounds * (_LATENCY + send) / _B,
            "each round sends one piece, P/R numbers; and what is saved is b B (1 − 1/R), not b B",
        ),
        (2 * (_LATENCY + send) / _B, "every round has its latency: R of them remain, not one"),
        (2 * send / _B, "the latency is missing"),
        (2 * _REPLICAS * _LATENCY / _B, "the time to send the weights is missing"),
        (right * _B, "this is a time: divide by b, the time of one example"),
        (
            2 * (_REPLICAS * _LATENCY + _WEIGHTS * _SPEED) / _B,
            "speed is in numbers a second: the time is weights / speed",
        ),
        (right / _REPLICAS, "this is each machine's part: the batch of all together was asked for"),
    ]
    answer = batch(_B, _WEIGHTS, _LATENCY, _SPEED, _REPLICAS)
    judge(answer, right, mistakes, within=5e-3, praise="right: send the weights twice, and R latencies twice")
