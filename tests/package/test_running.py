"""The artifact by itself, under Lambda's own runtime client."""

import json
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import psycopg
import pytest

from local.aws import Aws, client
from local.fake_github import FakeGitHub
from local.supabase import Supabase, User
from tests.functions.events import Answer, make_event
from tests.package.conftest import TOKEN, RunFunction, RunWith
from tests.package.runtime_api import Function, FunctionFailed, run_function
from tests.patience import PATIENCE_SECONDS

ROOT = Path(__file__).parents[2]
FUNCTIONS = sorted(path.parent.name for path in (ROOT / "functions").glob("*/handler.py"))


def request(
    function: Function, method: str, url: str, user: User | None = None, body: bytes | None = None
) -> Answer:
    """What a function answers to API Gateway's event."""
    headers = {"content-type": "application/json", "x-github-token": TOKEN} if body else {}
    if user is not None:
        headers["authorization"] = f"Bearer {user.access_token}"
    event = make_event(method, url, headers, body)
    return Answer(function.invoke(event), event["requestContext"]["requestId"])


@pytest.mark.parametrize("function", FUNCTIONS)
def test_every_function_loads_and_waits_for_work(run: RunFunction, function: str) -> None:
    with run(function) as running:
        assert running.api.told.empty()


def test_function_that_cannot_be_loaded_is_told(tmp_path: Path, runtime: Path) -> None:
    with (
        pytest.raises(FunctionFailed, match="init/error"),
        run_function("products", tmp_path, runtime, {}, tmp_path / "log"),
    ):
        raise AssertionError("it was loaded")


def test_health_answers(run: RunFunction) -> None:
    with run("health") as function:
        assert request(function, "GET", "/health").expect(200)["status"] == "ok"


def test_products_are_created_and_listed_for_their_owner(run: RunFunction, supabase: Supabase) -> None:
    owner, stranger = supabase.create_user(), supabase.create_user()
    with run("products") as function:
        created = request(function, "POST", "/api/products", owner, b'{"name": "Forum"}').expect(201)
        listed = request(function, "GET", "/api/products", owner).expect(200)
        assert [product["id"] for product in listed["items"]] == [created["id"]]
        assert request(function, "GET", "/api/products", stranger).expect(200)["items"] == []
        request(function, "GET", "/api/products").expect_problem(401, "unauthorized")


def test_reference_serves_the_document_and_the_page(run: RunFunction) -> None:
    with run("reference") as function:
        assert request(function, "GET", "/openapi.json").expect(200)["openapi"].startswith("3.1")
        page = request(function, "GET", "/reference")
        assert page.status == 200
        script = next(part for part in page.text.split('"') if part.endswith("swagger-ui-bundle.js"))
        answer = request(function, "GET", f"/{script.lstrip('/')}")
        assert (answer.status, "SwaggerUIBundle" in answer.text) == (200, True)


def test_schedule_and_queue_bring_what_has_changed_on_github(
    run: RunFunction, running: ExitStack, supabase: Supabase, github: FakeGitHub, aws: Aws
) -> None:
    owner = supabase.create_user()
    needed = (
        "products",
        "github_import",
        "github_connection",
        "sync_dispatcher",
        "sync_worker",
        "repositories",
    )
    functions = {function: running.enter_context(run(function)) for function in needed}
    product = request(functions["products"], "POST", "/api/products", owner, b'{"name": "Forum"}').expect(201)
    ids = sorted(github.account.repositories)
    body = f'{{"product_id": "{product["id"]}", "github_ids": {ids}}}'.encode()
    request(functions["github_import"], "POST", "/api/github/import", owner, body).expect(200)
    token = f'{{"token": "{TOKEN}"}}'.encode()
    request(functions["github_connection"], "PUT", "/api/github/connection", owner, token).expect(200)
    github.account.repositories[ids[0]].stars = 4_321
    make_due(supabase, owner)

    dispatched = functions["sync_dispatcher"].invoke({"source": "aws.scheduler"})
    assert dispatched == {"claimed": 1, "sent": 1}
    event = receive(aws)
    assert len(event["Records"]) == 1
    assert functions["sync_worker"].invoke(event) == {"batchItemFailures": []}

    listed = request(functions["repositories"], "GET", "/api/repositories", owner).expect(200)["items"]
    stars = {repository["github_id"]: repository["stars_count"] for repository in listed}
    assert (len(stars), stars[ids[0]]) == (3, 4_321)


def test_dispatcher_fetches_its_key_from_parameter_store(
    run_with: RunWith, settings: dict[str, str], aws: Aws
) -> None:
    place = "/forum/test/SUPABASE_SECRET_KEY"
    ssm = client("ssm", url=aws.url, region=aws.region)
    with run_with("sync_dispatcher", {"SUPABASE_SECRET_KEY": f"ssm:{place}"}) as function:
        with pytest.raises(FunctionFailed, match="SecretUnavailable"):
            function.invoke({"source": "aws.scheduler"})
        assert function.api.told.get(timeout=PATIENCE_SECONDS).what == "next"
        ssm.put_parameter(Name=place, Value=settings["SUPABASE_SECRET_KEY"], Type="SecureString")
        assert set(function.invoke({"source": "aws.scheduler"})) == {"claimed", "sent"}


def test_secrets_are_sealed_under_kms_and_revealed_as_they_would_be_on_aws(
    run: RunFunction, run_with: RunWith, supabase: Supabase, aws: Aws
) -> None:
    place = "/forum/test/APP_INFO_KEY"
    kms, ssm = (client(service, url=aws.url, region=aws.region) for service in ("kms", "ssm"))
    ssm.put_parameter(Name=place, Value=supabase.app_info_key, Type="SecureString")
    key_id = kms.create_key()["KeyMetadata"]["Arn"]
    own = {"APP_INFO_KEY": f"ssm:{place}", "KMS_KEY_ID": key_id, "ENCRYPTION_KEY": ""}
    owner = supabase.create_user()
    with run("products") as products:
        product = request(products, "POST", "/api/products", owner, b'{"name": "Forum"}').expect(201)["id"]
    with run_with("app_info", own) as function:
        file = json.dumps({"product_id": product, "content": "TOKEN='s3cr3t $x'\nPORT=8080\n"}).encode()
        request(function, "POST", "/api/app-info/import", owner, file).expect(200)
        listed = request(function, "GET", "/api/app-info?sort=key", owner).expect(200)["items"]
        assert [(entry["key"], entry["value"]) for entry in listed] == [("PORT", None), ("TOKEN", None)]
        revealed = request(function, "POST", f"/api/app-info/{listed[1]['id']}/reveal", owner).expect(200)
        assert revealed["value"] == "s3cr3t $x"
    with psycopg.connect(supabase.database_url) as connection:
        sealed = connection.execute(
            "select sealed ->> 'key_id' from private.app_info_values where user_id = %s", (owner.id,)
        ).fetchall()
    assert sealed == [(key_id,), (key_id,)]


def make_due(supabase: Supabase, user: User) -> None:
    """Time passes until the user's next re-sync."""
    with psycopg.connect(supabase.database_url) as connection:
        # Nobody else's: other folders' tests share the database.
        connection.execute("delete from private.github_connections where user_id <> %s", (user.id,))
        connection.execute(
            "update private.github_connections set next_sync_at = now() - interval '1 second'"
            " where user_id = %s",
            (user.id,),
        )


def receive(aws: Aws) -> dict[str, Any]:
    """The event of what waits in the queue, as Lambda's event source mapping makes it."""
    url = aws.queues["SyncQueue"].url
    sqs = client("sqs", url=aws.url, region=aws.region)
    got = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, AttributeNames=["All"])
    return {
        "Records": [
            {
                "messageId": message["MessageId"],
                "receiptHandle": message["ReceiptHandle"],
                "body": message["Body"],
                "attributes": {"ApproximateReceiveCount": message["Attributes"]["ApproximateReceiveCount"]},
                "messageAttributes": {},
                "eventSource": "aws:sqs",
                "eventSourceARN": aws.queues["SyncQueue"].arn,
            }
            for message in got["Messages"]
        ]
    }
