"""Checks for the reader's answers: a tick, or a hint that names the mistake. One module for each chapter.

Every ``check_…`` function of every chapter is here: ``from vae_lib import exercises; exercises.check_…(my_answer)``.
``exercises.progress()`` shows which of them you have passed.
"""

import importlib
import pkgutil

from vae_lib.exercises.judge import Hint
from vae_lib.exercises.record import checks_of, forget_progress, progress, recorded

__all__ = ["Hint", "forget_progress", "progress"]
for _module in pkgutil.iter_modules(__path__):
    if _module.name.startswith("chapter_"):
        for _name, _check in checks_of(importlib.import_module(f"{__name__}.{_module.name}")).items():
            if _name in globals():
                raise ImportError(f"two chapters define {_name}; the checks of all chapters share one namespace")
            globals()[_name] = recorded(_check)
            __all__.append(_name)
