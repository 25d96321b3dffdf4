"""A process for each framework, so that their threads never meet: one works while the others wait for a line.

The parent writes requests as lines of JSON, and reads as many answers: ``Worker`` is its end, ``serve`` the other.
"""

import dataclasses
import json
import os
import subprocess
import sys

from benchmarks import timing
from benchmarks.cases import Case

CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


class Failed(Exception):
    """A way does not work here; the message is the worker's."""


class Worker:
    """A process that runs ``module``; ``ask(way, case, count)`` → seconds for ``count`` units of its work."""

    def __init__(self, module):
        environment = {**os.environ, "OMP_NUM_THREADS": str(CORES), "TF_CPP_MIN_LOG_LEVEL": "3"}
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        self.process = subprocess.Popen([sys.executable, "-m", module], text=True, env=environment, **pipes)

    def ask(self, **request):
        """The worker's answer; ``Failed`` if it raised."""
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"a worker died: {' '.join(self.process.args)}")
        answer = json.loads(line)
        if "error" in answer:
            raise Failed(answer["error"])
        return answer["answer"]

    def prepare(self, way, case):
        """Seconds until the first unit of work is done, tracing and compilation among them."""
        return self.ask(prepare=way, case=dataclasses.asdict(case))

    def measure(self, way, case):
        """A function for ``timing.best``; the way must have been prepared for the case."""
        return lambda count: self.ask(run=way, case=dataclasses.asdict(case), count=count)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait()


def serve(ways, versions):
    """Answer until the parent closes the line. ``ways``: name → ``make(case)`` → ``run(count)``."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # whatever a library prints must not look like an answer
    prepared = {}
    for line in sys.stdin:
        request = json.loads(line)
        try:
            answer = _answer(request, ways, versions, prepared)
            reply = {"answer": answer}
        except Exception as error:  # whatever a peer raises: that way is reported as not working
            reply = {"error": f"{type(error).__name__}: {str(error).strip()[:200]}"}
        answers.write(json.dumps(reply) + "\n")
        answers.flush()


def _answer(request, ways, versions, prepared):
    if "versions" in request:
        return versions
    if "forget" in request:
        return prepared.clear()
    case = Case(**{**request["case"], "hidden": tuple(request["case"]["hidden"])})
    if "prepare" in request:
        way = request["prepare"]
        made = []

        def first(count):
            made.append(ways[way](case))
            made[0](count)

        took = timing.seconds(first, 1)
        prepared[way, case] = made[0]
        return took
    return timing.seconds(prepared[request["run"], case], request["count"])
