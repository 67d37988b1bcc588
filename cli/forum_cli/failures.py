"""What can go wrong. Scripts branch on the exit codes: 1 failed, 2 usage, 3 not signed in, 4 conflict."""

import click


class Failure(click.ClickException):
    """Something did not work. The message says what, and what to do."""

    exit_code = 1


class NotSignedIn(Failure):
    """There is no token, or Forum does not take it."""

    exit_code = 3


class Conflicting(Failure):
    """What is there refuses it, or somebody else has changed it meanwhile."""

    exit_code = 4
