"""The one way anything is timed here: rounds that take turns, of which the best counts.

Another process can only slow a round down, so the best is the nearest to the truth; and as all ways take turns, a
busy minute meets all of them.
"""

import time


def seconds(run, count):
    start = time.perf_counter()
    run(count)
    return time.perf_counter() - start


def filling(measure, round_seconds):
    """How many units of work fill about so many seconds. One unit does not tell: a call may cost more than its unit."""
    count = 1
    while (taken := measure(count)) < 0.7 * round_seconds:
        count = max(count + 1, min(10 * count, round(count * round_seconds / taken)))
    return count


def best(ways, rounds, round_seconds):
    """The fewest seconds for one unit of work, for each of ``ways``: name → ``measure(count)`` → seconds.

    A round gives each way as many units as fill about ``round_seconds``, one at least: all get the same chance of a
    quiet moment.
    """
    counts = {name: filling(measure, round_seconds) for name, measure in ways.items()}
    found = dict.fromkeys(ways, float("inf"))
    for _ in range(rounds):
        for name, measure in ways.items():
            found[name] = min(found[name], measure(counts[name]) / counts[name])
    return found
