"""Speed and memory, measured beside the peers: ``python -m benchmarks``; and the published table: ``mnist.py``."""
