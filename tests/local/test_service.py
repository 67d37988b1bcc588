"""What the local stack reads out of the real serverless.yml."""

import pytest

from local.api import notes
from local.serverless import Service, Trigger, offline_environment, read_service


@pytest.fixture(scope="module")
def service() -> Service:
    """The service as osls prints it."""
    return read_service()


def test_the_worker_gets_the_messages_of_its_queue(service: Service) -> None:
    assert service.triggers == (
        Trigger("forum-dev-sync_worker", "SyncQueue", batch_size=10, reports_failures=True),
    )
    redrive = service.queues["SyncQueue"]["RedrivePolicy"]
    assert redrive == {
        "deadLetterTargetArn": {"Fn::GetAtt": ["SyncDeadLetters", "Arn"]},
        "maxReceiveCount": 5,
    }
    assert set(service.queues) == {"SyncQueue", "SyncDeadLetters", "ScheduleDeadLetters"}


def test_functions_have_the_time_outs_of_the_service(service: Service) -> None:
    time_outs = {name: function.time_out for name, function in service.functions.items()}
    assert time_outs["forum-dev-sync_worker"] == 120
    assert time_outs["forum-dev-products"] == 15


def test_the_secret_key_is_withheld_from_every_function_but_those_in_the_background(service: Service) -> None:
    settings = {"SUPABASE_URL": "x", "SUPABASE_SECRET_KEY": "x", "AWS_ENDPOINT_URL": "x"}
    having = {
        name
        for name, function in notes(service, settings).items()
        if "SUPABASE_SECRET_KEY" not in function["withheld"]
    }
    assert having == {"forum-dev-maintenance", "forum-dev-sync_dispatcher", "forum-dev-sync_worker"}
    assert notes(service, settings)["forum-dev-products"]["withheld"] == ["SUPABASE_SECRET_KEY"]


def test_nothing_of_a_developers_own_cloud_is_passed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL_SQS", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "mine")
    assert "mine" not in offline_environment().values()
