"""When the garbage collector works: hardly while a function loads, and seldom afterwards.

By itself it looks for garbage whenever 700 objects more are alive than before. A function that loads makes a
hundred thousand: it would go through every module, class and schema several times, which takes a tenth of the
time, and find that all of it stays. A list of fifty is more than 700 objects, too, and leaves none behind.
"""

import gc

WHILE_LOADING = 1_000_000
# The younger two generations as Python has them: a tenth collection takes in the next older one.
AFTERWARDS = (10_000, 10, 10)


def pause() -> None:
    """While a function loads: what it makes stays."""
    gc.set_threshold(WHILE_LOADING)


def resume() -> None:
    """Once a function has loaded: look for garbage, but not among what is here by now."""
    gc.freeze()
    gc.set_threshold(*AFTERWARDS)
