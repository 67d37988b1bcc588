"""What CloudFormation is given: the compiled template, without an account."""

import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest

from local.serverless import OFFLINE, osls
from operations.look import VERSION, Changes, compare
from operations.parameters import SECRETS, refer_to_secrets
from operations.tools import tool_environment
from shared.encryption import Purpose
from shared.runtime.metrics import Metric
from tests.patience import PATIENCE_SECONDS
from tests.project.policies import ACCOUNT, allows, as_list
from tests.project.service_folder import make_service_folder
from tests.project.test_serverless import BACKGROUND_FUNCTIONS, EVERY_FUNCTION, FUNCTIONS

ROOT = Path(__file__).parents[2]
JSON = dict[str, Any]

# osls writes DependsOn beside the references that say the same; CloudFormation does not mind.
REDUNDANT_DEPENDS_ON = "W3005"

SEND = "sqs:SendMessage SyncQueue"
RECEIVE = {f"sqs:{name} SyncQueue" for name in ("DeleteMessage", "GetQueueAttributes", "ReceiveMessage")}
SEAL, OPEN = "kms:GenerateDataKey SecretsKey", "kms:Decrypt SecretsKey"
IMPORT_KEY, APP_SECRET, SECRET_KEY, APP_INFO_KEY, LEGACY_SECRET = (
    f"ssm:GetParameter /forum/production/{name}"
    for name in (
        *("GITHUB_IMPORT_KEY", "GITHUB_APP_CLIENT_SECRET", "SUPABASE_SECRET_KEY"),
        *("APP_INFO_KEY", "SUPABASE_JWT_SECRET"),
    )
)
# Beside writing its own log, a function may do this and nothing else.
RIGHTS: dict[str, set[str]] = {
    "app_info": {SEAL, OPEN, APP_INFO_KEY, IMPORT_KEY, APP_SECRET},
    "github_connection": {SEAL, IMPORT_KEY},
    "github_import": {SEAL, OPEN, SEND, IMPORT_KEY, APP_SECRET},
    "github_sync": {SEND},
    "maintenance": {SECRET_KEY},
    "sync_dispatcher": {SEND, SECRET_KEY},
    "sync_worker": {SEAL, OPEN, *RECEIVE, SECRET_KEY, APP_SECRET},
}
GITHUB = ["github_token", "github_refresh_token"]
# What a function may use the key for.
PURPOSES = {
    "app_info": ["app_info", *GITHUB],
    "github_connection": GITHUB,
    "github_import": GITHUB,
    "sync_worker": GITHUB,
}
PREVIOUS_KEY = "arn:aws:kms:eu-central-1:123456789012:key/6c5b9d0e-0000-4000-8000-0123456789ab"
TRACE = {"xray:PutTelemetryRecords *", "xray:PutTraceSegments *"}
# A stage with all that there can be, and every secret one that is found again.
SETTINGS = {
    "SUPABASE_URL": "https://project.supabase.co",
    "SUPABASE_ANON_KEY": "sb_publishable_x",
    "SUPABASE_JWKS_URL": "https://project.supabase.co/auth/v1/.well-known/jwks.json",
    "GITHUB_APP_CLIENT_ID": "Iv1.0123456789abcdef",
    "ALLOWED_ORIGINS": "https://forum.example",
    "ALARM_TOPIC_ARN": "arn:aws:sns:eu-central-1:123456789012:alarms",
    "DATABASE_URL": "postgresql://postgres:s3cr3t-password@db.project.supabase.co:5432/postgres",
    **{name: f"s3cr3t-{name.lower()}-{'x' * 32}" for name in SECRETS},
}
LEGACY = {name: value for name, value in SETTINGS.items() if name != "SUPABASE_JWKS_URL"}
COSTLY = {
    "GET /api/github/repos",
    "HEAD /api/github/repos",
    "POST /api/github/import",
    "PUT /api/github/connection",
    "POST /api/github/sync",
    "POST /api/app-info/import",
    "GET /api/app-info/export",
    "HEAD /api/app-info/export",
    "GET /api/app-info/drift",
    "HEAD /api/app-info/drift",
    "POST /api/app-info/{app_info_id}/reveal",
    "POST /api/app-info/{app_info_id}/versions/{number}/reveal",
}


def package(directory: Path, settings: dict[str, str]) -> Path:
    """The template as `make deploy` has osls compile it; what the functions' code is makes no difference."""
    artifact = directory / "empty.zip"
    zipfile.ZipFile(artifact, "w").close()
    compiled = directory / "compiled"
    subprocess.run(  # noqa: S603 - the program is named in local/serverless.py
        osls("package", "--stage", "production", "--package", str(compiled)),
        cwd=make_service_folder(directory),
        env={**tool_environment("production", settings), **OFFLINE, "ARTIFACT": str(artifact)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=True,
        timeout=PATIENCE_SECONDS,
    )
    return compiled / "cloudformation-template-update-stack.json"


@pytest.fixture(scope="session")
def packaged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """That of a stage."""
    return package(tmp_path_factory.mktemp("packaged"), SETTINGS)


def read_resources(packaged: Path) -> JSON:
    """Its resources by name."""
    read: JSON = json.loads(packaged.read_text())["Resources"]
    return read


@pytest.fixture(scope="session")
def template(packaged: Path) -> JSON:
    """Its resources by name."""
    return read_resources(packaged)


@pytest.fixture(scope="session")
def traced(tmp_path_factory: pytest.TempPathFactory) -> JSON:
    """The resources of a stage that verifies with the legacy secret, and is traced."""
    return read_resources(package(tmp_path_factory.mktemp("traced"), {**LEGACY, "TRACING": "true"}))


@pytest.fixture(scope="session")
def snapped(tmp_path_factory: pytest.TempPathFactory) -> JSON:
    """The resources of a stage whose API starts from snapshots."""
    return read_resources(package(tmp_path_factory.mktemp("snapped"), {**SETTINGS, "SNAP_START": "true"}))


def of_type(template: JSON, kind: str) -> dict[str, JSON]:
    """The properties of each resource of a type."""
    return {name: each.get("Properties", {}) for name, each in template.items() if each["Type"] == kind}


def logical(function: str) -> str:
    """What osls calls a function in the template."""
    return function[0].upper() + function[1:].replace("_", "Underscore")


def role_of(function: str) -> str:
    """What Forum calls the role of a function."""
    return f"{''.join(map(str.capitalize, function.split('_')))}Role"


def rights(role: JSON) -> set[str]:
    """What a role allows, each action with what it is about."""
    return {
        f"{action} {name_resource(resource)}"
        for statement in statements(role)
        for action in statement["Action"]
        for resource in (
            statement["Resource"] if isinstance(statement["Resource"], list) else [statement["Resource"]]
        )
    }


def name_resource(resource: str | JSON) -> str:
    """A resource of the template by its name, a parameter by its path."""
    if isinstance(resource, str):
        return resource
    if "Fn::GetAtt" in resource:
        return str(resource["Fn::GetAtt"][0])
    arn, path = str(resource["Fn::Sub"]).split(":parameter/")
    assert arn == "arn:${AWS::Partition}:ssm:${AWS::Region}:${AWS::AccountId}"
    return f"/{path}"


def statements(role: JSON) -> list[JSON]:
    """What a role allows."""
    return [each for policy in role["Policies"] for each in policy["PolicyDocument"]["Statement"]]


def test_template_passes_cfn_lint(packaged: Path) -> None:
    said = subprocess.run(  # noqa: S603 - the program is named here
        [
            Path(sys.executable).with_name("cfn-lint"),
            "--ignore-checks",
            REDUNDANT_DEPENDS_ON,
            "--template",
            packaged,
        ],
        env=dict(os.environ),
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_SECONDS,
    )
    assert (said.returncode, said.stdout) == (0, "")


def test_routes_of_the_gateway_are_those_of_the_openapi_document(template: JSON) -> None:
    document = json.loads((ROOT / "openapi.json").read_text())
    documented = {
        f"{method.upper()} {path}"
        for path, operations in document["paths"].items()
        for method in operations
        if method in {"get", "post", "put", "patch", "delete"}
    }
    routes = {route["RouteKey"] for route in of_type(template, "AWS::ApiGatewayV2::Route").values()}
    # What the page loads is a part of it, and HEAD a part of GET. /mcp has a contract of its own.
    beside = ("GET /reference/", "HEAD ", "POST /mcp", "$default")
    assert {route for route in routes if not route.startswith(beside)} == documented


def test_every_function_has_a_role_of_its_own(template: JSON) -> None:
    functions = of_type(template, "AWS::Lambda::Function")
    roles = {name: function["Role"]["Fn::GetAtt"][0] for name, function in functions.items()}
    assert roles == {f"{logical(function)}LambdaFunction": role_of(function) for function in EVERY_FUNCTION}
    assert set(of_type(template, "AWS::IAM::Role")) == {*roles.values(), "ScheduleRole"}
    assert of_type(template, "AWS::IAM::Policy") == {}


@pytest.mark.parametrize("function", EVERY_FUNCTION)
def test_role_allows_its_function_what_the_table_says(template: JSON, function: str) -> None:
    role = template[role_of(function)]["Properties"]
    assert rights(role) == own_log(function) | RIGHTS.get(function, set())
    assert "ManagedPolicyArns" not in role


def own_log(function: str) -> set[str]:
    """What every function may."""
    group = f"{logical(function)}LogGroup"
    return {f"logs:CreateLogStream {group}", f"logs:PutLogEvents {group}"}


@pytest.mark.parametrize("function", EVERY_FUNCTION)
def test_legacy_secret_and_tracing_add_two_rights_and_no_others(traced: JSON, function: str) -> None:
    role = traced[role_of(function)]["Properties"]
    verifies = function not in {"health", "reference", *BACKGROUND_FUNCTIONS}
    legacy = {LEGACY_SECRET} if verifies else set()
    assert rights(role) == own_log(function) | RIGHTS.get(function, set()) | legacy | TRACE
    wildcards = [each for each in statements(role) if "*" in json.dumps(each["Resource"])]
    assert [each["Action"] for each in wildcards] == [
        ["xray:PutTelemetryRecords", "xray:PutTraceSegments"],
    ]


def test_tracing_is_on_where_it_is_asked_for_and_nowhere_else(template: JSON, traced: JSON) -> None:
    on = of_type(traced, "AWS::Lambda::Function").values()
    assert {function["TracingConfig"]["Mode"] for function in on} == {"Active"}
    off = of_type(template, "AWS::Lambda::Function").values()
    assert [function for function in off if "TracingConfig" in function] == []


# Whom nobody waits for, or hardly anybody: each snapshot costs by the hour.
WITHOUT_SNAPSHOT = {"health", "reference", *BACKGROUND_FUNCTIONS}


def test_functions_of_the_api_start_from_a_snapshot_where_it_is_asked_for(snapped: JSON) -> None:
    starting = {
        name
        for name, function in of_type(snapped, "AWS::Lambda::Function").items()
        if function.get("SnapStart") == {"ApplyOn": "PublishedVersions"}
    }
    # One that does not name the setting starts as ever, only slower.
    assert {"ProductsLambdaFunction", "AppUnderscoreinfoLambdaFunction"} <= starting
    assert starting <= {
        f"{logical(function)}LambdaFunction" for function in {*EVERY_FUNCTION} - WITHOUT_SNAPSHOT
    }
    # `$LATEST` has no snapshot: the gateway has to call the alias, which leads to the version.
    versions = {each["FunctionName"]["Ref"]: name for name, each in of_type(snapped, VERSION).items()}
    aliases = {each["FunctionName"]["Ref"]: each for each in of_type(snapped, "AWS::Lambda::Alias").values()}
    assert set(versions) == set(aliases) == starting
    for function, alias in aliases.items():
        assert (alias["Name"], alias["FunctionVersion"]["Fn::GetAtt"][0]) == ("snapstart", versions[function])
    integrations = of_type(snapped, "AWS::ApiGatewayV2::Integration").values()
    permissions = of_type(snapped, "AWS::Lambda::Permission").values()
    for called in (
        [each["IntegrationUri"] for each in integrations],
        [each["FunctionName"] for each in permissions],
    ):
        assert {
            each["Fn::Join"][1][0]["Fn::GetAtt"][0]
            for each in called
            if each.get("Fn::Join", ["", [None]])[1][-1] == "snapstart"
        } == starting


def test_version_before_the_last_goes_and_costs_nothing_any_more(snapped: JSON) -> None:
    versions = [each for each in snapped.values() if each["Type"] == VERSION]
    assert versions
    assert [each for each in versions if "DeletionPolicy" in each] == []


def test_no_function_has_a_snapshot_or_a_version_unless_it_is_asked_for(template: JSON) -> None:
    assert {"AWS::Lambda::Alias", VERSION} & {each["Type"] for each in template.values()} == set()
    functions = of_type(template, "AWS::Lambda::Function").values()
    assert [function for function in functions if "SnapStart" in function] == []


def test_snapshot_changes_nothing_else(template: JSON, snapped: JSON) -> None:
    kinds = {"AWS::ApiGatewayV2::Integration", "AWS::Lambda::Function", "AWS::Lambda::Permission"}
    changes = compare(template, snapped)
    assert {snapped[name]["Type"] for name in changes.new} == {"AWS::Lambda::Alias"}
    assert {snapped[name]["Type"] for name in changes.changed} == kinds
    assert changes.gone == []


def test_other_code_is_no_change_of_a_stage_with_snapshots(snapped: JSON) -> None:
    (version, *_) = of_type(snapped, VERSION)
    other = json.loads(json.dumps(snapped).replace(version, f"{version}x"))
    assert other != snapped
    assert compare(snapped, other) == Changes(new=[], changed=[], gone=[])


def test_no_secret_is_in_anything_that_is_uploaded(packaged: Path) -> None:
    uploaded = {path.name: path.read_text() for path in packaged.parent.glob("*.json")}
    assert packaged.name in uploaded
    assert [name for name, text in uploaded.items() if "s3cr3t" in text] == []


def test_functions_are_told_where_their_secrets_are_and_of_no_others(template: JSON) -> None:
    places = refer_to_secrets("production", SETTINGS)
    for name, function in of_type(template, "AWS::Lambda::Function").items():
        variables = function["Environment"]["Variables"]
        told = {each: value for each, value in variables.items() if each in SECRETS and value}
        assert told == {each: places[each] for each in told}
        readable = {
            right.removeprefix("ssm:GetParameter ")
            for right in rights(template[function["Role"]["Fn::GetAtt"][0]]["Properties"])
            if right.startswith("ssm:")
        }
        assert readable == {value.removeprefix("ssm:") for value in told.values()}, name


def test_no_role_allows_with_a_wildcard(template: JSON) -> None:
    for name, role in of_type(template, "AWS::IAM::Role").items():
        for statement in statements(role):
            assert "*" not in json.dumps([statement["Action"], statement["Resource"]]), name


def uses_of_keys(resources: JSON) -> dict[str, list[JSON]]:
    """What each function's role allows with keys."""
    uses = {
        function: [
            statement
            for statement in statements(resources[role_of(function)]["Properties"])
            if any(action.startswith("kms:") for action in statement["Action"])
        ]
        for function in EVERY_FUNCTION
    }
    return {function: used for function, used in uses.items() if used}


def purposes_of(statement: JSON) -> list[str]:
    """What the key that is lent by this may have sealed."""
    condition = statement["Condition"]
    assert set(condition) == {"StringEquals"}
    assert set(condition["StringEquals"]) == {"kms:EncryptionContext:app", "kms:EncryptionContext:purpose"}
    assert condition["StringEquals"]["kms:EncryptionContext:app"] == "forum"
    purposes: list[str] = condition["StringEquals"]["kms:EncryptionContext:purpose"]
    return purposes


def test_key_is_used_by_each_function_for_what_it_seals_only(template: JSON) -> None:
    uses = {
        function: [purposes_of(each) for each in used] for function, used in uses_of_keys(template).items()
    }
    assert uses == {function: [purposes] for function, purposes in PURPOSES.items()}
    assert {purpose for purposes in PURPOSES.values() for purpose in purposes} == set(get_args(Purpose))


def test_key_before_the_last_rotation_opens_and_seals_nothing(tmp_path: Path) -> None:
    rotated = read_resources(package(tmp_path, {**SETTINGS, "KMS_KEY_ID_PREVIOUS": PREVIOUS_KEY}))
    uses = {
        function: [(each["Action"], purposes_of(each)) for each in used if each["Resource"] == PREVIOUS_KEY]
        for function, used in uses_of_keys(rotated).items()
    }
    opening = {function: purposes for function, purposes in PURPOSES.items() if OPEN in RIGHTS[function]}
    assert {function: used for function, used in uses.items() if used} == {
        function: [(["kms:Decrypt"], purposes)] for function, purposes in opening.items()
    }


BOUNDARY = json.loads((ROOT / "infrastructure" / "permissions-boundary.json").read_text())


def resolve(value: Any) -> str:
    """A resource's ARN, as CloudFormation makes it of what the template says."""
    if isinstance(value, str):
        return value
    if "Fn::Sub" in value:
        text: str = value["Fn::Sub"]
        for name, known in {"Partition": "aws", "Region": "eu-central-1", "AccountId": ACCOUNT}.items():
            text = text.replace(f"${{AWS::{name}}}", known)
        return text
    name, attribute = value["Fn::GetAtt"]
    assert attribute == "Arn"
    named = next(
        named
        for kind, named in {
            "LogGroup": f"logs:eu-central-1:{ACCOUNT}:log-group:/aws/lambda/forum-production-x:*",
            "LambdaFunction": f"lambda:eu-central-1:{ACCOUNT}:function:forum-production-x",
            "Key": f"kms:eu-central-1:{ACCOUNT}:key/a1",
            "": f"sqs:eu-central-1:{ACCOUNT}:forum-production-{name}-A1",
        }.items()
        if name.endswith(kind)
    )
    return f"arn:aws:{named}"


def test_every_role_has_the_boundary_and_may_all_that_it_has_to(traced: JSON) -> None:
    roles = of_type(traced, "AWS::IAM::Role")
    for name, role in roles.items():
        assert resolve(role["PermissionsBoundary"]) == f"arn:aws:iam::{ACCOUNT}:policy/forum-boundary", name
        for statement in statements(role):
            context = {
                key: as_list(value)[0]
                for key, value in statement.get("Condition", {}).get("StringEquals", {}).items()
            }
            resources = statement["Resource"]
            for resource in resources if isinstance(resources, list) else [resources]:
                for action in as_list(statement["Action"]):
                    assert allows(BOUNDARY, action, resolve(resource), context), (name, action)


@pytest.mark.parametrize(
    ("action", "resource"),
    [
        ("iam:CreateRole", f"arn:aws:iam::{ACCOUNT}:role/forum-production-ProductsRole-A1"),
        ("kms:Decrypt", f"arn:aws:kms:eu-central-1:{ACCOUNT}:key/a1"),
        ("kms:PutKeyPolicy", f"arn:aws:kms:eu-central-1:{ACCOUNT}:key/a1"),
        ("s3:GetObject", "arn:aws:s3:::another/a"),
        ("sqs:ReceiveMessage", f"arn:aws:sqs:eu-central-1:{ACCOUNT}:another"),
        ("ssm:GetParameter", f"arn:aws:ssm:eu-central-1:{ACCOUNT}:parameter/another"),
        ("sts:AssumeRole", f"arn:aws:iam::{ACCOUNT}:role/administrator"),
    ],
)
def test_no_role_within_the_boundary_may(action: str, resource: str) -> None:
    assert not allows(BOUNDARY, action, resource, {"kms:EncryptionContext:app": "another"})


def test_every_role_is_taken_by_its_service_for_this_account_only(template: JSON) -> None:
    for name, role in of_type(template, "AWS::IAM::Role").items():
        (statement,) = role["AssumeRolePolicyDocument"]["Statement"]
        service = "scheduler.amazonaws.com" if name == "ScheduleRole" else "lambda.amazonaws.com"
        assert statement["Principal"] == {"Service": service}
        condition = statement["Condition"]
        assert condition["StringEquals"] == {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}, name
        arns = [resolve(arn) for arn in condition.get("ArnLike", {}).values()]
        group = f"arn:aws:scheduler:eu-central-1:{ACCOUNT}:schedule-group/default"
        assert arns == ([group] if name == "ScheduleRole" else []), name


def refusals_of_plain_http(template: JSON, kind: str) -> list[JSON]:
    """The statements of all policies of a type that refuse what comes without TLS."""
    return [
        statement
        for policy in of_type(template, kind).values()
        for statement in policy["PolicyDocument"]["Statement"]
        if statement["Effect"] == "Deny"
        and statement["Principal"] == "*"
        and str(statement["Condition"]["Bool"]["aws:SecureTransport"]).lower() == "false"
    ]


def test_no_queue_takes_plain_http(template: JSON) -> None:
    refusals = refusals_of_plain_http(template, "AWS::SQS::QueuePolicy")
    assert {statement["Action"] for statement in refusals} == {"sqs:*"}
    refusing = {statement["Resource"]["Fn::GetAtt"][0] for statement in refusals}
    assert refusing == set(of_type(template, "AWS::SQS::Queue"))
    for policy in of_type(template, "AWS::SQS::QueuePolicy").values():
        (queue,) = policy["Queues"]
        (statement,) = policy["PolicyDocument"]["Statement"]
        assert statement["Resource"] == {"Fn::GetAtt": [queue["Ref"], "Arn"]}


def test_no_bucket_takes_plain_http_or_keeps_in_the_clear(template: JSON) -> None:
    refusals = refusals_of_plain_http(template, "AWS::S3::BucketPolicy")
    assert {statement["Action"] for statement in refusals} == {"s3:*"}
    policies = of_type(template, "AWS::S3::BucketPolicy").values()
    buckets = of_type(template, "AWS::S3::Bucket")
    assert [policy["Bucket"]["Ref"] for policy in policies] == list(buckets)
    assert len(refusals) == len(buckets)
    assert all("BucketEncryption" in bucket for bucket in buckets.values())


def test_every_queue_is_encrypted(template: JSON) -> None:
    queues = of_type(template, "AWS::SQS::Queue").values()
    assert all(queue["SqsManagedSseEnabled"] is True for queue in queues)


def find_statements(value: Any) -> Iterator[JSON]:
    """Every statement of a policy, wherever it stands in the template."""
    if isinstance(value, dict):
        if "Effect" in value:
            yield value
        for each in value.values():
            yield from find_statements(each)
    if isinstance(value, list):
        for each in value:
            yield from find_statements(each)


def test_nothing_is_allowed_to_everybody(template: JSON) -> None:
    allowed = [each for each in find_statements(template) if each["Effect"] == "Allow"]
    assert len(allowed) > len(EVERY_FUNCTION)
    assert [each for each in allowed if each.get("Principal") in ("*", {"AWS": "*"})] == []
    # AWS's default for a key: the account's own policies decide, and the account is never locked out.
    whole = [each for each in allowed if str(each["Action"]).endswith(":*")]
    assert [(each["Sid"], resolve(each["Principal"]["AWS"])) for each in whole] == [
        ("AccountDecidesByIam", f"arn:aws:iam::{ACCOUNT}:root")
    ]


def test_every_permission_of_a_function_is_for_this_api_only(template: JSON) -> None:
    for permission in of_type(template, "AWS::Lambda::Permission").values():
        assert permission["Principal"] == "apigateway.amazonaws.com"
        assert {"Ref": "AWS::AccountId"} in permission["SourceArn"]["Fn::Join"][1]
        assert {"Ref": "HttpApi"} in permission["SourceArn"]["Fn::Join"][1]


def test_every_key_has_the_tag_that_the_deployer_goes_by(template: JSON) -> None:
    for key in of_type(template, "AWS::KMS::Key").values():
        assert key["Tags"] == [
            {"Key": "service", "Value": "forum"},
            {"Key": "stage", "Value": "production"},
        ]


def test_browsers_may_send_what_forum_reads_and_what_traces(template: JSON) -> None:
    cors = template["HttpApi"]["Properties"]["CorsConfiguration"]
    assert cors["AllowOrigins"] == ["https://forum.example"]
    assert {"Authorization", "If-Match", "traceparent", "tracestate", "baggage", "sentry-trace"} <= set(
        cors["AllowHeaders"]
    )
    assert "*" not in [*cors["AllowHeaders"], *cors["AllowOrigins"], *cors["AllowMethods"]]
    assert "AllowCredentials" not in cors


def test_origins_and_further_headers_are_lists_with_commas(tmp_path: Path) -> None:
    settings = {
        "ALLOWED_ORIGINS": "https://a.example, https://b.example",
        "ALLOWED_HEADERS": "X-Trace,X-Other",
    }
    cors = read_resources(package(tmp_path, {**SETTINGS, **settings}))["HttpApi"]["Properties"][
        "CorsConfiguration"
    ]
    assert cors["AllowOrigins"] == ["https://a.example", "https://b.example"]
    assert cors["AllowHeaders"][-2:] == ["X-Trace", "X-Other"]


@pytest.mark.parametrize("name", ["ALLOWED_ORIGINS", "ALLOWED_HEADERS"])
def test_template_is_not_made_for_every_page_on_the_web(tmp_path: Path, name: str) -> None:
    with pytest.raises(subprocess.CalledProcessError) as refused:
        package(tmp_path, {**SETTINGS, name: "*"})
    assert f"{name} names each value" in (refused.value.stdout + refused.value.stderr).decode()


def test_secret_key_is_given_to_the_background_functions_only(template: JSON) -> None:
    functions = of_type(template, "AWS::Lambda::Function")
    holders = {
        name
        for name, function in functions.items()
        if "SUPABASE_SECRET_KEY" in function["Environment"]["Variables"]
    }
    assert holders == {f"{logical(function)}LambdaFunction" for function in BACKGROUND_FUNCTIONS}


def test_key_rotates_and_outlives_the_stack(template: JSON) -> None:
    key = template["SecretsKey"]
    assert key["Properties"]["EnableKeyRotation"] is True
    assert (key["DeletionPolicy"], key["UpdateReplacePolicy"]) == ("Retain", "Retain")


def test_every_function_is_watched_for_errors_throttles_and_slowness(template: JSON) -> None:
    watched = {
        (alarm["Dimensions"][0]["Value"]["Ref"], alarm["MetricName"])
        for alarm in of_type(template, "AWS::CloudWatch::Alarm").values()
        if alarm["Namespace"] == "AWS/Lambda"
    }
    assert watched == {
        (name, metric)
        for name in of_type(template, "AWS::Lambda::Function")
        for metric in ("Errors", "Throttles", "Duration")
    } | {("MaintenanceLambdaFunction", "Invocations")}


def test_slowness_is_told_before_the_time_out(template: JSON) -> None:
    for function in EVERY_FUNCTION:
        time_out = template[f"{logical(function)}LambdaFunction"]["Properties"]["Timeout"]
        assert template[f"{logical(function)}DurationAlarm"]["Properties"]["Threshold"] == 800 * time_out


def test_every_queue_is_watched(template: JSON) -> None:
    watched = {
        alarm["Dimensions"][0]["Value"]["Fn::GetAtt"][0]: alarm["MetricName"]
        for alarm in of_type(template, "AWS::CloudWatch::Alarm").values()
        if alarm["Namespace"] == "AWS/SQS"
    }
    queues = of_type(template, "AWS::SQS::Queue")
    dead = {
        queue: "ApproximateNumberOfMessagesVisible"
        for queue, of in queues.items()
        if "RedrivePolicy" not in of
    }
    assert watched == {**dead, "SyncQueue": "ApproximateAgeOfOldestMessage"}
    assert set(watched) == set(queues)


def read_dashboard(template: JSON) -> list[list[Any]]:
    """Every metric that is shown, as namespace, name, and a dimension with its value."""
    (dashboard,) = of_type(template, "AWS::CloudWatch::Dashboard").values()
    assert dashboard["DashboardName"] == "forum-production"
    widgets = json.loads(dashboard["DashboardBody"]["Fn::Sub"])["widgets"]
    assert {widget["properties"]["region"] for widget in widgets} == {"${AWS::Region}"}
    return [metric for widget in widgets for metric in widget["properties"]["metrics"]]


def shown(template: JSON, namespace: str) -> set[tuple[str, str]]:
    """The metrics of a namespace that are shown, and whose each is."""
    return {(metric[1], metric[3]) for metric in read_dashboard(template) if metric[0] == namespace}


def test_dashboard_shows_what_every_function_does(template: JSON) -> None:
    assert shown(template, "AWS/Lambda") == {
        (metric, f"${{{name}}}")
        for name in of_type(template, "AWS::Lambda::Function")
        for metric in ("Invocations", "Errors", "Duration", "Throttles")
    }


def test_dashboard_shows_what_waits_in_every_queue_and_for_how_long(template: JSON) -> None:
    assert shown(template, "AWS/SQS") == {
        (metric, f"${{{name}.QueueName}}")
        for name in of_type(template, "AWS::SQS::Queue")
        for metric in ("ApproximateNumberOfMessagesVisible", "ApproximateAgeOfOldestMessage")
    }


def test_dashboard_shows_errors_and_latency_of_the_api(template: JSON) -> None:
    metrics = {metric for metric, api in shown(template, "AWS/ApiGateway") if api == "${HttpApi}"}
    assert {"Count", "4xx", "5xx", "Latency"} <= metrics


def test_dashboard_shows_every_metric_of_forums_own_and_of_functions_that_there_are(template: JSON) -> None:
    counted = shown(template, "Forum")
    assert {metric for metric, _ in counted} == {metric.value for metric in Metric}
    assert {name for _, name in counted} <= set(EVERY_FUNCTION)
    assert {name for metric, name in counted if metric == "ServerErrors"} == set(FUNCTIONS)


def test_dashboard_has_a_place_for_each_widget(template: JSON) -> None:
    (dashboard,) = of_type(template, "AWS::CloudWatch::Dashboard").values()
    widgets = json.loads(dashboard["DashboardBody"]["Fn::Sub"])["widgets"]
    places = {(widget["x"], widget["y"]) for widget in widgets}
    assert len(places) == len(widgets)
    # CloudWatch's grid is 24 wide.
    assert all(widget["x"] + widget["width"] <= 24 for widget in widgets)


def test_every_alarm_tells_somebody_and_is_silent_without_data(template: JSON) -> None:
    for name, alarm in of_type(template, "AWS::CloudWatch::Alarm").items():
        assert alarm["AlarmActions"] == ["arn:aws:sns:eu-central-1:123456789012:alarms"], name
        # A function that does not run says nothing.
        silent = "breaching" if name == "MaintenanceSilentAlarm" else "notBreaching"
        assert alarm["TreatMissingData"] == silent, name


def test_every_event_that_is_watched_is_one_that_the_code_logs(template: JSON) -> None:
    code = "".join(
        path.read_text() for name in ("functions", "shared") for path in (ROOT / name).rglob("*.py")
    )
    filters = of_type(template, "AWS::Logs::MetricFilter").values()
    events = {each["FilterPattern"].removeprefix('{ $.message = "').removesuffix('" }') for each in filters}
    assert events == {"github_sunset", "jwks_unavailable", "secret_unreadable", "sync_failed"}
    assert {event for event in events if f'"{event}"' in code} == events
    alarmed = {
        alarm["MetricName"]
        for alarm in of_type(template, "AWS::CloudWatch::Alarm").values()
        if alarm["Namespace"] == "Forum" and "Dimensions" not in alarm
    }
    assert {each["MetricTransformations"][0]["MetricName"] for each in filters} == alarmed


def test_alarms_on_forums_own_counts_name_a_metric_and_a_function_that_count_it(template: JSON) -> None:
    alarms = [
        alarm
        for alarm in of_type(template, "AWS::CloudWatch::Alarm").values()
        if alarm["Namespace"] == "Forum" and "Dimensions" in alarm
    ]
    watched = [
        (alarm["MetricName"], alarm["Dimensions"], alarm["Statistic"], alarm["Threshold"], alarm["Period"])
        for alarm in alarms
    ]
    assert watched == [
        (Metric.REVEALS, [{"Name": "function", "Value": "app_info"}], "Sum", 100, 300),
        (Metric.MAINTENANCE_STEPS_LEFT, [{"Name": "function", "Value": "maintenance"}], "Sum", 1, 3600),
    ]


def test_maintenance_that_does_not_run_is_told(template: JSON) -> None:
    alarm = template["MaintenanceSilentAlarm"]["Properties"]
    assert alarm["Dimensions"] == [{"Name": "FunctionName", "Value": {"Ref": "MaintenanceLambdaFunction"}}]
    assert (alarm["MetricName"], alarm["Statistic"]) == ("Invocations", "Sum")
    assert (alarm["ComparisonOperator"], alarm["Threshold"]) == ("LessThanThreshold", 1)
    assert (alarm["Period"], alarm["EvaluationPeriods"]) == (3600, 3)


# Of each function: how often it is called, and for how long a call is late or tried again.
SCHEDULES = {"maintenance": ("rate(1 hour)", 15, 1800), "sync_dispatcher": ("rate(15 minutes)", 10, 600)}


@pytest.mark.parametrize("function", SCHEDULES)
def test_schedule_has_a_window_few_retries_and_a_place_for_what_failed(template: JSON, function: str) -> None:
    rate, window, age = SCHEDULES[function]
    schedule = template[f"{logical(function)}SchedulerSchedule1"]["Properties"]
    assert schedule["ScheduleExpression"] == rate
    assert schedule["FlexibleTimeWindow"] == {"Mode": "FLEXIBLE", "MaximumWindowInMinutes": window}
    target = schedule["Target"]
    assert target["Arn"] == {"Fn::GetAtt": [f"{logical(function)}LambdaFunction", "Arn"]}
    assert target["RoleArn"] == {"Fn::GetAtt": ["ScheduleRole", "Arn"]}
    assert target["DeadLetterConfig"] == {"Arn": {"Fn::GetAtt": ["ScheduleDeadLetters", "Arn"]}}
    assert target["RetryPolicy"] == {"MaximumEventAgeInSeconds": age, "MaximumRetryAttempts": 2}


def test_schedules_may_call_their_functions_and_nothing_else(template: JSON) -> None:
    assert set(of_type(template, "AWS::Scheduler::Schedule")) == {
        f"{logical(function)}SchedulerSchedule1" for function in SCHEDULES
    }
    assert rights(template["ScheduleRole"]["Properties"]) == {
        "sqs:SendMessage ScheduleDeadLetters",
        *(f"lambda:InvokeFunction {logical(function)}LambdaFunction" for function in SCHEDULES),
    }


def test_stage_is_throttled_and_costly_routes_more(template: JSON) -> None:
    stage = template["HttpApiStage"]["Properties"]
    default = stage["DefaultRouteSettings"]
    routes = {route["RouteKey"] for route in of_type(template, "AWS::ApiGatewayV2::Route").values()}
    assert default["ThrottlingRateLimit"] == 100
    assert set(stage["RouteSettings"]) == COSTLY <= routes
    for settings in stage["RouteSettings"].values():
        assert settings["ThrottlingRateLimit"] < default["ThrottlingRateLimit"]
        assert settings["ThrottlingBurstLimit"] < default["ThrottlingBurstLimit"]


def test_access_log_has_the_request_id_the_source_address_and_nothing_else_of_the_caller(
    template: JSON,
) -> None:
    written = json.loads(template["HttpApiStage"]["Properties"]["AccessLogSettings"]["Format"])
    assert written["request_id"] == "$context.requestId"
    assert written["source_address"] == "$context.identity.sourceIp"
    about_the_caller = [value for value in written.values() if "identity" in value or "authorizer" in value]
    assert about_the_caller == ["$context.identity.sourceIp"]


def test_logs_are_kept_for_a_month(template: JSON) -> None:
    groups = of_type(template, "AWS::Logs::LogGroup")
    assert len(groups) == len(EVERY_FUNCTION) + 1
    assert {group["RetentionInDays"] for group in groups.values()} == {30}


def test_only_http_functions_are_open_to_the_gateway(template: JSON) -> None:
    open_to_it = {
        permission["FunctionName"]["Fn::GetAtt"][0]
        for permission in of_type(template, "AWS::Lambda::Permission").values()
    }
    assert open_to_it == {f"{logical(function)}LambdaFunction" for function in FUNCTIONS}
