"""serverless.yml and the code say the same."""

import importlib
import inspect
import re
from pathlib import Path
from typing import Any

from fastapi import APIRouter
from fastapi.routing import APIRoute

from functions.sync_dispatcher import service as dispatcher_service
from functions.sync_worker import service as worker_service
from functions.sync_worker.batch import LAST_RECEIVE, USERS_AT_ONCE
from operations.parameters import DEFAULT_REGION
from operations.parameters import SECRETS as DEPLOYMENT_SECRETS
from shared.settings import Settings
from tests.functions.resources import RESOURCES

ROOT = Path(__file__).parents[2]
EVERY_FUNCTION = sorted(path.parent.name for path in (ROOT / "functions").glob("*/handler.py"))
# What a schedule or the queue calls: without routes, and with rights that no request may have.
BACKGROUND_FUNCTIONS = ["maintenance", "sync_dispatcher", "sync_worker"]
FUNCTIONS = [function for function in EVERY_FUNCTION if function not in BACKGROUND_FUNCTIONS]
# All that verify tokens have to know the legacy secret, where there is one: it stands with the provider.
SECRETS = {*DEPLOYMENT_SECRETS, "ENCRYPTION_KEY", "ENCRYPTION_KEY_PREVIOUS"} - {"SUPABASE_JWT_SECRET"}


def routes_of(function: str) -> set[str]:
    """What a function answers, such as `GET /api/products`."""
    router: APIRouter = importlib.import_module(f"functions.{function}.handler").router
    routes = [route for route in router.routes if isinstance(route, APIRoute)]
    return {f"{method} {route.path}" for route in routes for method in route.methods or ()}


def test_every_folder_is_a_function_and_every_function_a_folder(service: dict[str, Any]) -> None:
    handlers = {name: function["handler"] for name, function in service["functions"].items()}
    assert handlers == {function: f"functions/{function}/handler.handler" for function in EVERY_FUNCTION}


def test_routes_of_the_gateway_are_those_of_the_functions(service: dict[str, Any]) -> None:
    for function in FUNCTIONS:
        events = service["functions"][function]["events"]
        served = routes_of(function)
        # HEAD is GET without the body (shared/http/app.py): each function answers it.
        heads = {
            f"HEAD {path}"
            for method, _, path in (route.partition(" ") for route in served)
            if method == "GET"
        }
        refused = {"*"} if function == "reference" else set()
        assert {event["httpApi"] for event in events} == served | heads | refused, function


def test_every_function_of_rows_is_held_to_what_holds_for_all() -> None:
    """tests/functions asks the same of each of them, and can only ask what it knows of."""
    functions = {
        path
        for function in FUNCTIONS
        for method, _, path in (route.partition(" ") for route in routes_of(function))
        if method == "POST"
        and any(re.fullmatch(rf"PATCH {path}/{{\w+}}", each) for each in routes_of(function))
    }
    # A token is shown once, so that nothing is repeated, and never changes but for its name: test_tokens.
    assert functions - {"/api/tokens"} == {resource.path for resource in RESOURCES}


def test_no_two_functions_answer_the_same_route() -> None:
    routes = [route for function in FUNCTIONS for route in routes_of(function)]
    assert len(routes) == len(set(routes))


def test_functions_get_the_settings_that_the_code_reads(service: dict[str, Any]) -> None:
    shared = set(service["provider"]["environment"])
    own = {name for function in service["functions"].values() for name in function.get("environment", {})}
    assert shared | own == {name.upper() for name in Settings.model_fields}


def test_secrets_are_held_by_those_only_who_need_them(service: dict[str, Any]) -> None:
    assert not SECRETS & set(service["provider"]["environment"])
    assert holders(service, "GITHUB_IMPORT_KEY") == ["app_info", "github_connection", "github_import"]
    assert holders(service, "SUPABASE_SECRET_KEY") == BACKGROUND_FUNCTIONS
    assert holders(service, "GITHUB_APP_CLIENT_SECRET") == ["app_info", "github_import", "sync_worker"]
    assert holders(service, "APP_INFO_KEY") == ["app_info"]
    sealing = ["app_info", "github_connection", "github_import", "sync_worker"]
    assert holders(service, "ENCRYPTION_KEY") == sealing
    assert holders(service, "ENCRYPTION_KEY_PREVIOUS") == sealing
    assert holders(service, "KMS_KEY_ID") == sealing


def test_every_secret_of_the_settings_is_stored_by_a_deployment() -> None:
    kept = {
        name for name, field in Settings.model_fields.items() if "DeploymentSecret" in str(field.annotation)
    }
    assert sorted(name.upper() for name in kept) == sorted(DEPLOYMENT_SECRETS)


def test_secrets_are_stored_where_the_functions_are(service: dict[str, Any]) -> None:
    assert service["provider"]["region"] == DEFAULT_REGION


def holders(service: dict[str, Any], setting: str) -> list[str]:
    """The functions that get a setting of their own."""
    functions = service["functions"].items()
    return sorted(name for name, function in functions if setting in function.get("environment", {}))


def test_every_function_ends_before_the_gateway_gives_up(service: dict[str, Any]) -> None:
    default = service["provider"]["timeout"]
    assert all(service["functions"][function].get("timeout", default) < 30 for function in FUNCTIONS)


def test_background_functions_are_reached_by_a_schedule_or_the_queue_only(service: dict[str, Any]) -> None:
    kinds = {
        function: [list(event) for event in service["functions"][function]["events"]]
        for function in BACKGROUND_FUNCTIONS
    }
    assert kinds == {
        "maintenance": [["schedule"]],
        "sync_dispatcher": [["schedule"]],
        "sync_worker": [["sqs"]],
    }
    for function in ("maintenance", "sync_dispatcher"):
        (event,) = service["functions"][function]["events"]
        # A scheduled rule has no dead-letter queue, no time zone and no flexible window.
        assert event["schedule"]["method"] == "scheduler"


def test_queue_gives_a_worker_time_and_a_message_five_attempts(service: dict[str, Any]) -> None:
    worker = service["functions"]["sync_worker"]
    (event,) = (each["sqs"] for each in worker["events"])
    resources = service["resources"]["Resources"]
    queue = resources[event["arn"]["Fn::GetAtt"][0]]["Properties"]
    dead_letters = resources[queue["RedrivePolicy"]["deadLetterTargetArn"]["Fn::GetAtt"][0]]["Properties"]

    # AWS, "Configuring an Amazon SQS queue for use with Lambda": six times, at least.
    assert queue["VisibilityTimeout"] >= 6 * worker["timeout"]
    assert queue["RedrivePolicy"]["maxReceiveCount"] == LAST_RECEIVE
    assert dead_letters["MessageRetentionPeriod"] == 14 * 24 * 3600
    assert event["functionResponseType"] == "ReportBatchItemFailures"
    assert (event["batchSize"], event["maximumConcurrency"]) == (USERS_AT_ONCE, 5)


def test_leases_outlive_whom_they_belong_to(service: dict[str, Any]) -> None:
    worker = service["functions"]["sync_worker"]
    queue = service["resources"]["Resources"]["SyncQueue"]["Properties"]
    assert worker["timeout"] < worker_service.LEASE_SECONDS
    assert queue["VisibilityTimeout"] < dispatcher_service.LEASE_SECONDS


def test_endpoint_that_takes_parameters_takes_them_as_a_model_that_refuses_others() -> None:
    """`refuse_unknown_parameters` relies on it."""
    for function in FUNCTIONS:
        router: APIRouter = importlib.import_module(f"functions.{function}.handler").router
        for route in router.routes:
            assert isinstance(route, APIRoute)
            for parameter in route.dependant.query_params:
                model = parameter.field_info.annotation
                assert model is not None
                assert model.model_config.get("extra") == "forbid", route.path


def test_wildcard_for_rows_comes_after_no_static_path() -> None:
    """FastAPI takes the first route that fits: `/api/x/{id}` would swallow `/api/x/static`."""
    for function in FUNCTIONS:
        router: APIRouter = importlib.import_module(f"functions.{function}.handler").router
        paths = [route.path for route in router.routes if isinstance(route, APIRoute)]
        for number, wildcard in enumerate(paths):
            pattern = re.compile(re.sub(r"\{[^}]+\}", "[^/]+", wildcard))
            swallowed = [
                p for p in paths[number + 1 :] if "{" not in p and pattern.fullmatch(p) and p != wildcard
            ]
            assert swallowed == [], wildcard


def test_no_endpoint_and_no_dependency_takes_a_worker_thread() -> None:
    """FastAPI hands whatever is no coroutine to a thread, which costs a warm call about a millisecond."""
    for function in FUNCTIONS:
        router: APIRouter = importlib.import_module(f"functions.{function}.handler").router
        for route in router.routes:
            assert isinstance(route, APIRoute)
            waiting = [route.dependant]
            while waiting:
                dependant = waiting.pop()
                waiting += dependant.dependencies
                called = dependant.call
                method = called if inspect.isroutine(called) else type(called).__call__
                assert inspect.iscoroutinefunction(method), f"{route.path}: {called}"
