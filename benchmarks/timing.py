"""The one way anything is timed here: rounds that take turns, of which the best counts.

Another process can only slow a round down, so the best is the nearest to the truth; and as all ways take turns, a
busy minute meets all of them.
"""

import time


def seconds(run, count):
    start = time.perf_counter()
    run(count)
    return time.perf_counter() - start


def best(ways, rounds, round_seconds):
    """The fewest seconds for one unit of work, for each of ``ways``: name → ``measure(count)`` → seconds.

    A round gives each way as many units as fill about ``round_seconds``, one at least: all get the same chance of a
    quiet moment.
    """
    counts = {name: max(1, round(round_seconds / measure(1))) for name, measure in ways.items()}
    found = dict.fromkeys(ways, float("inf"))
    for _ in range(rounds):
        for name, measure in ways.items():
            found[name] = min(found[name], measure(counts[name]) / counts[name])
    return found
