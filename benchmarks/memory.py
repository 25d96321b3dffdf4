"""Peak memory, each in a process of its own: ``python -m benchmarks.memory CASE SAMPLES`` prints MiB.

SAMPLES importance samples of the evaluation for 100 examples; 0: the model alone, without an evaluation.
"""

import resource
import subprocess
import sys
from pathlib import Path

from benchmarks.cases import LARGE, SMALL

CASES = {"small": SMALL, "large": LARGE}


def peak(case, samples):
    """MiB that a process took at most, from its start to the end of the evaluation."""
    command = [sys.executable, "-m", "benchmarks.memory", case, str(samples)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, cwd=Path(__file__).parents[1])
    return float(done.stdout.split()[-1])


def main(case, samples):
    import numpy as np

    from benchmarks import tensorflow_ways

    case, samples = CASES[case], int(samples)
    model, x = tensorflow_ways.model(case), np.round(case.draw()[:100])
    model(x)
    if samples:
        tensorflow_ways.vae_lib.log_likelihood(model, x, samples)
    unit = 2**20 if sys.platform == "darwin" else 2**10  # bytes there, KiB on Linux
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit)


if __name__ == "__main__":
    main(*sys.argv[1:])
