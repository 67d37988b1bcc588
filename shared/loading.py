"""How a function loads: without the garbage collector.

It would go through every module, class and schema several times, which takes a tenth of the time, and find
that all of it stays. Afterwards it is told so, and looks at what requests leave behind.
"""

import gc
import os

# A process of Lambda's loads one function and nothing else. Others are not a function's to tune.
IS_LAMBDA = "AWS_LAMBDA_FUNCTION_NAME" in os.environ


def begin_loading() -> None:
    """From here on, everything stays."""
    if IS_LAMBDA:
        gc.disable()


def end_loading() -> None:
    """From here on, there is garbage."""
    if IS_LAMBDA:
        gc.freeze()
        gc.enable()
