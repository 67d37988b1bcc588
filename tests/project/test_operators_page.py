"""docs/operations.md says of alarms and secrets what the template says."""

import re
from pathlib import Path
from typing import Any

from operations.parameters import SECRETS
from shared.aws.deployment_secrets import MAX_AGE_SECONDS
from tests.project.test_serverless import EVERY_FUNCTION
from tests.project.test_template import of_type, packaged, rights, role_of, template

__all__ = ["packaged", "template"]

PAGE = (Path(__file__).parents[2] / "docs" / "operations.md").read_text()


def read_rows(first_column: str) -> list[list[str]]:
    """The rows of the table whose head begins so."""
    table = PAGE.split(f"| {first_column} |", 1)[1].split("\n\n", 1)[0]
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in table.splitlines()[2:]]


def test_thresholds_of_the_page_are_those_of_the_alarms(template: dict[str, Any]) -> None:
    alarms = of_type(template, "AWS::CloudWatch::Alarm")
    said = {about: fires_at for about, fires_at, *_ in read_rows("alarm about")}

    def describe(name: str) -> str:
        alarm = alarms[name]
        return f"{alarm['Threshold']} in {alarm['Period'] * alarm['EvaluationPeriods'] // 60} minutes"

    hours = [alarms[f"Maintenance{name}Alarm"] for name in ("Silent", "Behind")]
    assert [(alarm["Period"], alarm["EvaluationPeriods"]) for alarm in hours] == [(3600, 3), (3600, 12)]
    slow = alarms["ProductsDurationAlarm"]
    share = slow["Threshold"] / (template["ProductsLambdaFunction"]["Properties"]["Timeout"] * 1000)
    minutes = slow["Period"] * slow["EvaluationPeriods"] // 60
    assert said == {
        "dead letters of the queue": f"{alarms['SyncDeadLettersAlarm']['Threshold']} message",
        "dead letters of the schedule": f"{alarms['ScheduleDeadLettersAlarm']['Threshold']} message",
        "age of the oldest message": f"{alarms['SyncQueueAgeAlarm']['Threshold']:,} s",
        "maintenance that does not run": "no call in 3 hours",
        "maintenance that is behind": "steps left each hour for 12 hours",
        "errors of a function": describe("ProductsErrorsAlarm"),
        "throttles of a function": describe("ProductsThrottlesAlarm"),
        "duration of a function": f"the slowest at {share:.0%} of the time-out, for {minutes} minutes",
        "5xx of the API": describe("ApiErrorsAlarm"),
        "`sync_failed`": describe("SyncFailedAlarm"),
        "`jwks_unavailable`": describe("JwksUnavailableAlarm"),
        "`github_sunset`": describe("GithubSunsetAlarm"),
        "`secret_unreadable`": describe("SecretUnreadableAlarm"),
        "secrets shown": f"{describe('RevealsAlarm')}, over all users",
    }


def test_secrets_of_the_page_are_read_by_whom_it_says(template: dict[str, Any]) -> None:
    said = {secret: set(re.findall("`(.+?)`", readers)) for secret, readers, _ in read_rows("secret")}
    assert set(said) == set(SECRETS)
    readable = {
        secret: {
            function
            for function in EVERY_FUNCTION
            if f"ssm:GetParameter /forum/production/{secret}"
            in rights(template[role_of(function)]["Properties"])
        }
        for secret in SECRETS
    }
    assert said == readable


def test_page_says_for_how_long_a_secret_is_kept() -> None:
    assert MAX_AGE_SECONDS == 5 * 60
    assert "keeps it for five minutes" in PAGE


def test_throttles_of_the_page_are_those_of_the_gateway(template: dict[str, Any]) -> None:
    stage = template["HttpApiStage"]["Properties"]
    said = {about: (rate, burst) for about, rate, burst in read_rows("throttle of")}
    costly = list(stage["RouteSettings"].values())
    assert costly.count(costly[0]) == len(costly)
    assert said == {
        f"each of the {len(costly)} routes that call GitHub or KMS": describe_throttle(costly[0]),
        "all other routes": describe_throttle(stage["DefaultRouteSettings"]),
    }


def describe_throttle(settings: dict[str, int]) -> tuple[str, str]:
    """As the page has it."""
    return f"{settings['ThrottlingRateLimit']} a second", str(settings["ThrottlingBurstLimit"])


def test_nobody_pays_for_metrics_by_route_that_no_alarm_reads(template: dict[str, Any]) -> None:
    stage = template["HttpApiStage"]["Properties"]
    settings = [stage["DefaultRouteSettings"], *stage["RouteSettings"].values()]
    assert not any(each.get("DetailedMetricsEnabled", False) for each in settings)
    alarms = of_type(template, "AWS::CloudWatch::Alarm").values()
    of_gateway = [alarm for alarm in alarms if alarm.get("Namespace") == "AWS/ApiGateway"]
    assert of_gateway
    # Of a route an alarm would name these too.
    assert {each["Name"] for alarm in of_gateway for each in alarm["Dimensions"]} == {"ApiId"}
