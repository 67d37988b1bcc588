"""What the one who deploys may do at AWS, held to what the template is made of: no account has tried it."""

import json
from pathlib import Path
from typing import Any

import pytest

from operations.parameters import get_parameter_name
from tests.project.policies import allows, as_list
from tests.project.test_page import compiled_with_page, paged
from tests.project.test_template import packaged, snapped, template

__all__ = ["compiled_with_page", "packaged", "paged", "snapped", "template"]

ROOT = Path(__file__).parents[2]
POLICY = json.loads((ROOT / "infrastructure" / "deployer-policy.json").read_text())
# What makes a resource of each type, and an ARN as CloudFormation names such a one of this stack.
MADE: dict[str, tuple[str, str]] = {
    "AWS::ApiGatewayV2::Api": ("apigateway:POST", "arn:aws:apigateway:eu-central-1::/apis"),
    "AWS::ApiGatewayV2::Integration": (
        "apigateway:POST",
        "arn:aws:apigateway:eu-central-1::/apis/a1/integrations",
    ),
    "AWS::ApiGatewayV2::Route": ("apigateway:POST", "arn:aws:apigateway:eu-central-1::/apis/a1/routes"),
    "AWS::ApiGatewayV2::Stage": ("apigateway:POST", "arn:aws:apigateway:eu-central-1::/apis/a1/stages"),
    "AWS::CloudFront::Distribution": (
        "cloudfront:CreateDistribution",
        "arn:aws:cloudfront::123456789012:distribution/E1",
    ),
    "AWS::CloudFront::Function": (
        "cloudfront:CreateFunction",
        "arn:aws:cloudfront::123456789012:function/forum-production-page",
    ),
    "AWS::CloudFront::OriginAccessControl": (
        "cloudfront:CreateOriginAccessControl",
        "arn:aws:cloudfront::123456789012:origin-access-control/E1",
    ),
    "AWS::CloudFront::ResponseHeadersPolicy": (
        "cloudfront:CreateResponseHeadersPolicy",
        "arn:aws:cloudfront::123456789012:response-headers-policy/a1",
    ),
    "AWS::CloudWatch::Alarm": (
        "cloudwatch:PutMetricAlarm",
        "arn:aws:cloudwatch:eu-central-1:123456789012:alarm:forum-production-ProductsErrorsAlarm-A1",
    ),
    "AWS::CloudWatch::Dashboard": (
        "cloudwatch:PutDashboard",
        "arn:aws:cloudwatch::123456789012:dashboard/forum-production",
    ),
    "AWS::IAM::Role": ("iam:CreateRole", "arn:aws:iam::123456789012:role/forum-production-ProductsRole-A1"),
    "AWS::KMS::Alias": ("kms:CreateAlias", "arn:aws:kms:eu-central-1:123456789012:alias/forum-production"),
    "AWS::KMS::Key": ("kms:CreateKey", "*"),
    "AWS::Lambda::Alias": (
        "lambda:CreateAlias",
        "arn:aws:lambda:eu-central-1:123456789012:function:forum-production-products",
    ),
    "AWS::Lambda::EventSourceMapping": ("lambda:CreateEventSourceMapping", "*"),
    "AWS::Lambda::Function": (
        "lambda:CreateFunction",
        "arn:aws:lambda:eu-central-1:123456789012:function:forum-production-products",
    ),
    "AWS::Lambda::Permission": (
        "lambda:AddPermission",
        "arn:aws:lambda:eu-central-1:123456789012:function:forum-production-products",
    ),
    "AWS::Lambda::Version": (
        "lambda:PublishVersion",
        "arn:aws:lambda:eu-central-1:123456789012:function:forum-production-products",
    ),
    "AWS::Logs::LogGroup": (
        "logs:CreateLogGroup",
        "arn:aws:logs:eu-central-1:123456789012:log-group:/aws/lambda/forum-production-products",
    ),
    "AWS::Logs::MetricFilter": (
        "logs:PutMetricFilter",
        "arn:aws:logs:eu-central-1:123456789012:log-group:/aws/lambda/forum-production-products:*",
    ),
    "AWS::S3::Bucket": ("s3:CreateBucket", "arn:aws:s3:::forum-production-serverlessdeploymentbucket-a1"),
    "AWS::S3::BucketPolicy": (
        "s3:PutBucketPolicy",
        "arn:aws:s3:::forum-production-serverlessdeploymentbucket-a1",
    ),
    "AWS::SQS::Queue": (
        "sqs:CreateQueue",
        "arn:aws:sqs:eu-central-1:123456789012:forum-production-SyncQueue-A1",
    ),
    "AWS::SQS::QueuePolicy": (
        "sqs:SetQueueAttributes",
        "arn:aws:sqs:eu-central-1:123456789012:forum-production-SyncQueue-A1",
    ),
    "AWS::Scheduler::Schedule": (
        "scheduler:CreateSchedule",
        "arn:aws:scheduler:eu-central-1:123456789012:schedule/default/forum-production-Sync-A1",
    ),
}


# What a request says beside what it does and to what.
BOUNDARY = {"iam:PermissionsBoundary": "arn:aws:iam::123456789012:policy/forum-boundary"}
OF_A_FUNCTION = {"lambda:FunctionArn": "arn:aws:lambda:eu-central-1:123456789012:function:forum-production-x"}
TAGGED = {"aws:RequestTag/service": "forum"}
OWN_KEY = {"aws:ResourceTag/service": "forum"}
CIRCUMSTANCES = {
    "AWS::CloudFront::Distribution": TAGGED,
    "AWS::IAM::Role": BOUNDARY,
    "AWS::KMS::Key": TAGGED,
    "AWS::Lambda::EventSourceMapping": OF_A_FUNCTION,
}
ROLE = "arn:aws:iam::123456789012:role/forum-production-ProductsRole-A1"
KEY = "arn:aws:kms:eu-central-1:123456789012:key/a1"
QUEUE = "arn:aws:sqs:eu-central-1:123456789012:forum-production-SyncQueue-A1"


def may(action: str, resource: str, context: dict[str, str] | None = None) -> bool:
    """Whether the one who deploys may do this to that."""
    return allows(POLICY, action, resource, context)


def test_deployer_may_make_every_type_of_resource_in_the_template(
    template: dict[str, Any], snapped: dict[str, Any], paged: dict[str, Any]
) -> None:
    made = (*template.values(), *snapped.values(), *paged.values())
    assert {each["Type"] for each in made} == set(MADE)
    refused = [
        kind
        for kind, (action, resource) in MADE.items()
        if not may(action, resource, CIRCUMSTANCES.get(kind))
    ]
    assert refused == []


@pytest.mark.parametrize("kind", CIRCUMSTANCES)
def test_deployer_may_make_it_under_its_circumstances_only(kind: str) -> None:
    action, resource = MADE[kind]
    assert not may(action, resource, dict.fromkeys(CIRCUMSTANCES[kind], "another"))
    assert not may(action, resource)


@pytest.mark.parametrize("action", ["iam:CreateRole", "iam:PutRolePolicy", "iam:PutRolePermissionsBoundary"])
def test_deployer_gives_rights_to_roles_within_the_boundary_only(action: str) -> None:
    assert may(action, ROLE, BOUNDARY)
    assert not may(action, ROLE, {"iam:PermissionsBoundary": "arn:aws:iam::aws:policy/AdministratorAccess"})
    assert not may(action, ROLE)


@pytest.mark.parametrize(
    "action",
    [
        "iam:AttachRolePolicy",
        "iam:CreatePolicy",
        "iam:CreatePolicyVersion",
        "iam:DeletePolicy",
        "iam:DeleteRolePermissionsBoundary",
        "iam:SetDefaultPolicyVersion",
    ],
)
def test_deployer_can_neither_leave_the_boundary_nor_move_it(action: str) -> None:
    assert not may(action, ROLE, BOUNDARY)
    assert not may(action, BOUNDARY["iam:PermissionsBoundary"], BOUNDARY)


@pytest.mark.parametrize(
    "action",
    [
        "kms:CreateGrant",
        "kms:Decrypt",
        "kms:DisableKey",
        "kms:Encrypt",
        "kms:GenerateDataKey",
        "kms:PutKeyPolicy",
        "kms:ReEncryptFrom",
        "kms:ScheduleKeyDeletion",
    ],
)
def test_deployer_neither_uses_a_key_nor_decides_who_does(action: str) -> None:
    assert not may(action, KEY, {**OWN_KEY, **TAGGED})


@pytest.mark.parametrize("action", ["kms:CreateAlias", "kms:EnableKeyRotation", "kms:UpdateAlias"])
def test_deployer_changes_keys_of_forum_only(action: str) -> None:
    assert may(action, KEY, OWN_KEY)
    assert not may(action, KEY, {"aws:ResourceTag/service": "another"})
    assert not may(action, KEY)


@pytest.mark.parametrize("action", ["cloudfront:DeleteDistribution", "cloudfront:UpdateDistribution"])
def test_deployer_changes_distributions_of_forum_only(action: str) -> None:
    distribution = "arn:aws:cloudfront::123456789012:distribution/E1"
    assert may(action, distribution, OWN_KEY)
    assert not may(action, distribution, {"aws:ResourceTag/service": "another"})
    assert not may(action, distribution)


def test_policy_allows_nothing_to_everything_but_what_knows_no_names() -> None:
    """A new statement for `*` has to come here, and so do actions that are all of a service."""
    everywhere = {
        statement["Sid"]: "Condition" in statement
        for statement in POLICY["Statement"]
        if "*" in as_list(statement["Resource"])
    }
    assert everywhere == {
        "EventsOfItsFunctions": True,
        "KeyWithATagOfForum": True,
        "WhatKnowsNoNames": False,
    }
    whole = {
        action
        for statement in POLICY["Statement"]
        for action in as_list(statement["Action"])
        if action.endswith(":*")
    }
    assert whole == {"cloudformation:*"}


@pytest.mark.parametrize("action", ["ssm:GetParameters", "ssm:PutParameter"])
def test_deployer_may_store_the_secrets_of_forum_and_no_others(action: str) -> None:
    arn = "arn:aws:ssm:eu-central-1:123456789012:parameter"
    assert may(action, f"{arn}{get_parameter_name('production', 'SUPABASE_SECRET_KEY')}")
    assert not may(action, f"{arn}/another/production/SECRET")


@pytest.mark.parametrize(
    ("action", "resource"),
    [
        ("iam:CreateUser", "arn:aws:iam::123456789012:user/forum-x"),
        ("iam:UpdateAssumeRolePolicy", "arn:aws:iam::123456789012:role/forum-administrator"),
        ("iam:PassRole", "arn:aws:iam::123456789012:role/administrator"),
        ("lambda:CreateFunction", "arn:aws:lambda:eu-central-1:123456789012:function:another"),
        ("s3:GetObject", "arn:aws:s3:::another/a"),
        (
            "logs:GetLogEvents",
            "arn:aws:logs:eu-central-1:123456789012:log-group:/aws/lambda/forum-production-x:*",
        ),
        ("s3:PutBucketAcl", "arn:aws:s3:::forum-production-serverlessdeploymentbucket-a1"),
        ("sqs:ReceiveMessage", QUEUE),
        ("sqs:CreateQueue", "arn:aws:sqs:eu-central-1:123456789012:another"),
    ],
)
def test_deployer_may_not(action: str, resource: str) -> None:
    assert not may(action, resource, {**BOUNDARY, **OF_A_FUNCTION, **TAGGED, **OWN_KEY})


@pytest.mark.parametrize("name", ["deployer-policy", "permissions-boundary"])
def test_policy_fits_into_a_managed_one(name: str) -> None:
    policy = json.loads((ROOT / "infrastructure" / f"{name}.json").read_text())
    # IAM counts without white space, and takes 6,144.
    assert len(json.dumps(policy, separators=(",", ":"))) <= 6144
