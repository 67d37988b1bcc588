"""The settings that the database has to know: it refuses by them whoever goes past the functions."""

import json
import re
from collections.abc import Iterator, Mapping

import psycopg

ALLOW_ANONYMOUS_SIGN_INS = "ALLOW_ANONYMOUS_SIGN_INS"
SECOND_FACTOR = "SECRETS_SECOND_FACTOR"
SIGN_IN_MINUTES = "SECRETS_SIGN_IN_MINUTES"
RETENTION_DAYS = "ACTIVITY_RETENTION_DAYS"
LIMITS = "ACCOUNT_LIMITS"
# What no function reads.
ONLY_FOR_THE_DATABASE = {SECOND_FACTOR, SIGN_IN_MINUTES, RETENTION_DAYS, LIMITS}

BOOLEANS = {"true": True, "false": False}
SECOND_FACTORS = ("never", "enrolled", "always")
MINUTES_OF_A_YEAR = 365 * 24 * 60
DAYS_OF_A_CENTURY = 36_500
DEFAULT_LIMITS: dict[str, int | None] = {
    "products": 200,
    "repositories": None,
    "work_items": 100_000,
    "documents": 10_000,
    "app_info": 5_000,
    "bytes": 2**30,
    # More than a person or an agent does, and less than a script that goes wrong.
    "writes_per_minute": 600,
}
# One of 0 would let nobody change anything.
SMALLEST_LIMITS = {"writes_per_minute": 1}
# Postgres' bigint.
LARGEST_LIMIT = 2**63 - 1


def find_wrong_database_settings(settings: Mapping[str, str]) -> Iterator[str]:
    """What is wrong with them, each in a line and without a value."""
    if settings.get(ALLOW_ANONYMOUS_SIGN_INS, "false") not in BOOLEANS:
        yield f"{ALLOW_ANONYMOUS_SIGN_INS} has to be true or false"
    if settings.get(SECOND_FACTOR, "enrolled") not in SECOND_FACTORS:
        yield f"{SECOND_FACTOR} has to be one of {', '.join(SECOND_FACTORS)}"
    minutes = settings.get(SIGN_IN_MINUTES, "1")
    if re.fullmatch(r"[0-9]{1,6}", minutes) is None or not 1 <= int(minutes) <= MINUTES_OF_A_YEAR:
        yield f"{SIGN_IN_MINUTES} has to be a number of minutes, {MINUTES_OF_A_YEAR} at most"
    days = settings.get(RETENTION_DAYS) or "400"
    if re.fullmatch(r"[0-9]{1,5}", days) is None or int(days) > DAYS_OF_A_CENTURY:
        yield f"{RETENTION_DAYS} has to be a number of days, {DAYS_OF_A_CENTURY} at most, or 0 for all"
    if read_limits(settings) is None:
        yield (
            f'{LIMITS} has to be JSON such as {{"products": 500, "bytes": null}}, of'
            f" {', '.join(DEFAULT_LIMITS)}, each a number or null for none"
        )


def read_limits(settings: Mapping[str, str]) -> dict[str, int | None] | None:
    """The limits of an account, with the defaults where the setting names none; None where it is none."""
    try:
        given = json.loads(settings.get(LIMITS) or "{}")
    except ValueError:
        return None
    if not isinstance(given, dict) or not given.keys() <= DEFAULT_LIMITS.keys():
        return None
    for name, most in given.items():
        smallest = SMALLEST_LIMITS.get(name, 0)
        if most is not None and (type(most) is not int or not smallest <= most <= LARGEST_LIMIT):
            return None
    return DEFAULT_LIMITS | given


def store_database_settings(connection: psycopg.Connection, settings: Mapping[str, str]) -> None:
    """Tells the database. A setting that is not there, or is empty, has its default."""
    given = {name: value for name, value in settings.items() if value}
    minutes = given.get(SIGN_IN_MINUTES)
    connection.execute(
        "select private.save_settings(%s, %s, %s)",
        (
            BOOLEANS[given.get(ALLOW_ANONYMOUS_SIGN_INS, "false")],
            given.get(SECOND_FACTOR, "enrolled"),
            None if minutes is None else int(minutes),
        ),
    )
    connection.execute("select private.save_retention(%s)", (int(given.get(RETENTION_DAYS, "400")),))
    connection.execute("select private.save_limits(%s)", (json.dumps(read_limits(given)),))
