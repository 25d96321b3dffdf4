"""Checks for the reader's answers: a tick, or a hint that names the mistake. One module for each chapter.

Every ``check_…`` function of every chapter is here: ``from vae_lib import exercises; exercises.check_…(my_answer)``.
"""

import importlib
import pkgutil

from vae_lib.exercises.judge import Hint

__all__ = ["Hint"]
for _module in pkgutil.iter_modules(__path__):
    if _module.name.startswith("chapter_"):
        for _name, _check in vars(importlib.import_module(f"{__name__}.{_module.name}")).items():
            if _name.startswith("check_"):
                if _name in globals():
                    raise ImportError(f"two chapters define {_name}; the checks of all chapters share one namespace")
                globals()[_name] = _check
                __all__.append(_name)
