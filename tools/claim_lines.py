"""`parse` of `vae_lib.claims`, without `import vae_lib`: that would load TensorFlow to read a line of text."""

import importlib.util
from pathlib import Path

_source = Path(__file__).parents[1] / "vae_lib" / "claims.py"
_spec = importlib.util.spec_from_file_location("claim_lines_source", _source)
_claims = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_claims)
parse = _claims.parse
