"""Right and wrong answers to the checks of chapter 23."""

import json

import numpy as np

from vae_lib import exercises


def config(hosts, index, kind="worker"):
    return json.dumps({"cluster": {"worker": hosts}, "task": {"type": kind, "index": index}})


def gradient(g, sizes):
    return sizes @ g / sizes.sum()


def batch(b, P, latency, c, R):
    return 2 * (R * latency + P / c) / b


RIGHT = [
    (exercises.check_machines_config, config),
    (exercises.check_machines_config, lambda h, i: f" {config(h, i)}\n"),
    (exercises.check_machines_gradient, gradient),
    (exercises.check_machines_gradient, lambda g, s: np.average(g, axis=0, weights=s)),
    (exercises.check_machines_batch, batch),
    (exercises.check_machines_batch, lambda b, P, lat, c, R: int(batch(b, P, lat, c, R))),
    (exercises.check_machines_batch, lambda b, P, lat, c, R: int(np.ceil(batch(b, P, lat, c, R)))),
]

WRONG = {
    exercises.check_machines_config: [
        (lambda h, i: json.loads(config(h, i)), "json.dumps turns"),
        (lambda h, i: i, "of type int"),
        (lambda h, i: str(json.loads(config(h, i))), "double quotes"),
        (lambda h, i: config(h, i)[:-1], "not JSON"),
        (lambda h, i: json.dumps(h), "two entries"),
        (lambda h, i: json.dumps({"cluster": {"worker": h}, "index": i}), "two entries"),
        (lambda h, i: json.dumps({"cluster": h, "task": {"type": "worker", "index": i}}), "each kind of task"),
        (lambda h, i: json.dumps({"cluster": {"hosts": h}, "task": {}}), 'under "worker"'),
        (lambda h, i: json.dumps({"cluster": 3, "task": {}}), 'under "worker"'),
        (lambda h, i: config([h[i], *h[:i], *h[i + 1 :]], i), "the same on every machine"),
        (lambda h, i: config([*h[:i], *h[i + 1 :]], i), "also the one that reads it"),
        (lambda h, i: config([host.split(":")[0] for host in h], i), 'worker" must be'),
        (lambda h, i: json.dumps({"cluster": {"worker": h}, "task": i}), '"type" and "index"'),
        (lambda h, i: config(h, i, "chief"), "every one of them is of the type"),
        (lambda h, i: config(h, str(i)), "a number, not text"),
        (lambda h, i: config(h, i + 1), "count from zero"),
        (lambda h, i: config(h, 0), "count from zero"),
        (lambda h, i: config(h, h[i]), "must be 1"),
        (lambda h, i: config(h, 1), "for number 2 it is not"),
    ],
    exercises.check_machines_gradient: [
        (lambda g, s: g.mean(axis=0), "every part counts alike"),
        (lambda g, s: g.sum(axis=0), "R times too large"),
        (lambda g, s: s @ g, "sum over the examples"),
        (lambda g, s: s @ g / len(s), "the number of parts"),
        (lambda g, s: (g / s[:, None]).sum(axis=0), "do not divide"),
        (lambda g, s: np.average(g, axis=0, weights=1 / s), "small parts weigh most"),
        (lambda g, s: s[:, None] * g / s.sum(), "these are the shares"),
        (lambda g, s: gradient(g, s).sum(), "summed over the weights"),
        (lambda g, s: gradient(g, s) + 1, "not yet"),
    ],
    exercises.check_machines_batch: [
        (lambda b, P, lat, c, R: batch(b, P, lat, c, R) / 2, "goes round twice"),
        (lambda b, P, lat, c, R: 2 * (R - 1) * (lat + P / R / c) / b, "does not vanish"),
        (lambda b, P, lat, c, R: 2 * R * (lat + P / c) / b, "one piece, P/R numbers, not all"),
        (lambda b, P, lat, c, R: 2 * (R - 1) * (lat + P / c) / b, "one piece, P/R numbers; and"),
        (lambda b, P, lat, c, R: batch(b, P, lat, c, 1), "not one"),
        (lambda b, P, lat, c, R: batch(b, P, 0, c, R), "latency is missing"),
        (lambda b, P, lat, c, R: batch(b, 0, lat, c, R), "send the weights is missing"),
        (lambda b, P, lat, c, R: batch(1, P, lat, c, R), "this is a time"),
        (lambda b, P, lat, c, R: batch(b, P, lat, 1 / c, R), "numbers a second"),
        (lambda b, P, lat, c, R: batch(b, P, lat, c, R) / R, "each machine's part"),
        (lambda b, P, lat, c, R: 1.5 * batch(b, P, lat, c, R), "not yet"),
    ],
}
