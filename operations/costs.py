"""What Forum costs a month, and which limit is met first: `python -m operations.costs`.

It prints what docs/costs.md shows, or the same for other numbers of users. Each assumption and each price has
a name here: change what is another with you, and run it again.
"""

import sys
from argparse import ArgumentParser
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields

SHOWN = (10, 1_000, 100_000)
SECONDS_A_MONTH = 730 * 3600
MILLION = 1_000_000
MEMORY_GB = 1.0
# Of the template: each function brings some. tests/project/test_costs.py counts them.
ALARMS = 80
METRICS = 76
THROTTLE_A_SECOND = 100
WORKERS = 5
USERS_A_BATCH = 10


@dataclass(frozen=True)
class Assumptions:
    """What a user does in a month. Nobody has measured it: no deployment has run for long enough."""

    requests: float = 1_000  # through the API; the page goes straight to Supabase
    straight_requests: float = 1_000  # past it
    answer_kb: float = 8
    billed_seconds: float = 0.08  # of a request, cold starts included
    log_kb: float = 1.5  # of a request: its line, Lambda's three and the gateway's
    syncs: float = 180  # six a day: from one an hour to one in eight hours, by what changes
    batch_seconds: float = 5  # of an invocation of the worker, for up to ten users
    key_requests: float = 200  # KMS: one for each re-sync, and for secrets that are shown or set
    database_mb: float = 3
    peak: float = 10  # how many times the mean the busiest second has
    busiest_route: float = 0.3  # its share of the requests


@dataclass(frozen=True)
class Prices:
    """List prices in dollars: AWS's for us-east-1 and arm64, Supabase's for a project on the plan Pro."""

    # https://aws.amazon.com/lambda/pricing/, as of October 2025.
    lambda_million: float = 0.20
    lambda_gb_second: float = 0.0000133334
    snapshot_gb_second: float = 0.0000015046
    # https://aws.amazon.com/api-gateway/pricing/, as of September 2026.
    gateway_million: float = 1.00
    # https://aws.amazon.com/cloudwatch/pricing/, as of June 2026.
    log_gb: float = 0.50
    alarm: float = 0.10
    metric: float = 0.30
    dashboard: float = 3.00
    # https://aws.amazon.com/kms/pricing/, /sqs/pricing/ and /ec2/pricing/on-demand/, as of 2026.
    key: float = 1.00
    key_requests_10_000: float = 0.03
    sqs_million: float = 0.40
    transfer_gb: float = 0.09
    # https://supabase.com/pricing and /docs/guides/platform/compute-and-disk, as of 2026.
    plan: float = 25.00
    compute_credit: float = 10.00
    disk_gb: float = 0.125
    egress_gb: float = 0.09
    monthly_user: float = 0.00325


# What is free each month, and not in the first year only.
FREE = {
    "lambda_requests": MILLION,
    "lambda_gb_seconds": 400_000,
    "log_gb": 5,
    "alarms": 10,
    "metrics": 10,
    "key_requests": 20_000,
    "sqs_requests": MILLION,
    "transfer_gb": 100,
}
# What Supabase's plan holds.
HELD = {"disk_gb": 8, "egress_gb": 250, "users": 100_000}
# Supabase's sizes, and up to how many users each is taken for here: a guess, as nobody has loaded one.
COMPUTE = (
    (1_000, "Micro", 10.0),
    (10_000, "Medium", 60.0),
    (100_000, "XL", 210.0),
    (1_000_000, "4XL", 960.0),
)


def beyond(used: float, free: float) -> float:
    """What has to be paid for."""
    return max(0.0, used - free)


def find_compute(users: int) -> tuple[str, float]:
    """The size of the database and its price."""
    return next(
        ((name, price) for most, name, price in COMPUTE if users <= most), (COMPUTE[-1][1], COMPUTE[-1][2])
    )


def estimate(users: int, told: Assumptions, prices: Prices) -> Mapping[str, float]:
    """What each part costs a month, in dollars."""
    requests = users * told.requests
    # Ten users share an invocation of the worker, where there are ten at a time.
    batches = users * told.syncs / min(USERS_A_BATCH, max(1, users / 10))
    invocations = requests + batches
    gb_seconds = MEMORY_GB * (requests * told.billed_seconds + batches * told.batch_seconds)
    answers_gb = requests * told.answer_kb / 1024**2
    straight_gb = users * told.straight_requests * told.answer_kb / 1024**2
    _, compute = find_compute(users)
    return {
        "Lambda": beyond(invocations, FREE["lambda_requests"]) / MILLION * prices.lambda_million
        + beyond(gb_seconds, FREE["lambda_gb_seconds"]) * prices.lambda_gb_second,
        "API Gateway": requests / MILLION * prices.gateway_million,
        "Logs": beyond(requests * told.log_kb / 1024**2, FREE["log_gb"]) * prices.log_gb,
        "Alarms, metrics, dashboard": beyond(ALARMS, FREE["alarms"]) * prices.alarm
        + beyond(METRICS, FREE["metrics"]) * prices.metric
        + prices.dashboard,
        "KMS": prices.key
        + beyond(users * told.key_requests, FREE["key_requests"]) / 10_000 * prices.key_requests_10_000,
        # Sent, received and deleted.
        "SQS": beyond(users * told.syncs * 3, FREE["sqs_requests"]) / MILLION * prices.sqs_million,
        "Transfer to clients": beyond(answers_gb, FREE["transfer_gb"]) * prices.transfer_gb,
        "Supabase: plan and compute": prices.plan + beyond(compute, prices.compute_credit),
        "Supabase: disk": beyond(users * told.database_mb / 1024, HELD["disk_gb"]) * prices.disk_gb,
        # What a function reads leaves Supabase as well.
        "Supabase: egress": beyond(answers_gb + straight_gb, HELD["egress_gb"]) * prices.egress_gb,
        "Supabase: users": beyond(users, HELD["users"]) * prices.monthly_user,
    }


def price_snapshot(prices: Prices) -> float:
    """What SNAP_START=true costs a month for each function, without a request."""
    return MEMORY_GB * SECONDS_A_MONTH * prices.snapshot_gb_second


@dataclass(frozen=True)
class Limit:
    """Something that ends, or begins to cost, at so many users."""

    users: int
    what: str
    then: str


def find_limits(told: Assumptions) -> Sequence[Limit]:
    """The limits by the number of users at which each is met, the first one first."""
    mean = told.requests / SECONDS_A_MONTH
    peak = mean * told.peak
    at_once = peak * told.billed_seconds
    answers_gb = (told.requests + told.straight_requests) * told.answer_kb / 1024**2
    syncs_a_second = WORKERS * USERS_A_BATCH / told.batch_seconds
    met = (
        (HELD["disk_gb"] * 1024 / told.database_mb, "8 GB of disk are full", "it grows by itself, and costs"),
        (HELD["egress_gb"] / answers_gb, "250 GB of egress are used up", "more costs"),
        (10 / at_once, "10 functions at once, the quota of a new AWS account", "ask AWS for more, before"),
        (1_000 / at_once, "1,000 functions at once, the usual quota", "ask AWS for more"),
        (
            THROTTLE_A_SECOND / (peak * told.busiest_route),
            f"{THROTTLE_A_SECOND} requests a second of the busiest route",
            "raise its throttle in infrastructure/extensions.yml",
        ),
        (HELD["users"], "100,000 monthly users of Supabase Auth", "more cost"),
        (
            syncs_a_second * SECONDS_A_MONTH / told.syncs,
            f"{WORKERS} workers of the re-sync are never idle",
            "raise `maximumConcurrency`; until then re-syncs come later",
        ),
    )
    return sorted((Limit(int(users), what, then) for users, what, then in met), key=lambda each: each.users)


def write_page(numbers: Sequence[int], told: Assumptions, prices: Prices) -> str:
    """The table of costs, the limits and what was assumed, in Markdown."""
    columns = [estimate(users, told, prices) for users in numbers]
    sizes = [find_compute(users)[0] for users in numbers]
    lines = [
        "| a month, in dollars | " + " | ".join(f"{users:,} users" for users in numbers) + " |",
        "|---|" + "---:|" * len(numbers),
        *(
            f"| {part} | " + " | ".join(f"{column[part]:,.2f}" for column in columns) + " |"
            for part in columns[0]
        ),
        "| **all of it** | " + " | ".join(f"**{sum(column.values()):,.2f}**" for column in columns) + " |",
        "| for each user | "
        + " | ".join(
            f"{sum(column.values()) / users:,.4f}" for users, column in zip(numbers, columns, strict=True)
        )
        + " |",
        "| the database's size | " + " | ".join(sizes) + " |",
        "",
        f"`SNAP_START=true` adds ${price_snapshot(prices):,.2f} a month for each function of the API, and",
        "$0.14 for each 1,000 starts.",
        "",
        "| users | what is met | then |",
        "|---:|---|---|",
        *(f"| {limit.users:,} | {limit.what} | {limit.then} |" for limit in find_limits(told)),
        "",
        "| assumed of a user, in a month | |",
        "|---|---:|",
        *(f"| `{each.name}` | {getattr(told, each.name):,g} |" for each in fields(told)),
    ]
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command."""
    parser = ArgumentParser(
        prog="python -m operations.costs", description="Estimate what Forum costs a month."
    )
    parser.add_argument(
        "users", nargs="*", type=int, default=SHOWN, help="numbers of users, such as 500 5000"
    )
    for each in fields(Assumptions):
        name = f"--{each.name.replace('_', '-')}"
        parser.add_argument(name, type=float, default=each.default, metavar="NUMBER")
    given = vars(parser.parse_args(arguments))
    numbers = given.pop("users")
    if any(users < 1 for users in numbers):
        print("Say a number of users of 1 or more.", file=sys.stderr)
        return 1
    print(write_page(numbers, Assumptions(**given), Prices()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
