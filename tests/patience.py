"""How long a test waits for what has to come.

Only what never comes takes so long: a machine may be forty times slower than the one that a test was written
on. pytest's own bound (pyproject.toml) is longer still.
"""

PATIENCE_SECONDS = 240
