"""What the one who deploys may do at AWS, held to what the template is made of: no account has tried it."""

import json
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest

from operations.parameters import get_parameter_name
from tests.project.test_template import packaged, template

__all__ = ["packaged", "template"]

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
    "AWS::Lambda::EventSourceMapping": ("lambda:CreateEventSourceMapping", "*"),
    "AWS::Lambda::Function": (
        "lambda:CreateFunction",
        "arn:aws:lambda:eu-central-1:123456789012:function:forum-production-products",
    ),
    "AWS::Lambda::Permission": (
        "lambda:AddPermission",
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
    "AWS::Scheduler::Schedule": (
        "scheduler:CreateSchedule",
        "arn:aws:scheduler:eu-central-1:123456789012:schedule/default/forum-production-Sync-A1",
    ),
}


def as_list(value: str | list[str]) -> list[str]:
    """IAM takes one without a list around it."""
    return [value] if isinstance(value, str) else value


def allows(action: str, resource: str) -> bool:
    """Whether the policy lets somebody do this to that."""
    return any(
        any(fnmatchcase(action, each) for each in as_list(statement["Action"]))
        and any(fnmatchcase(resource, each) for each in as_list(statement["Resource"]))
        for statement in POLICY["Statement"]
    )


def test_deployer_may_make_every_type_of_resource_in_the_template(template: dict[str, Any]) -> None:
    assert {each["Type"] for each in template.values()} == set(MADE)
    assert [kind for kind, (action, resource) in MADE.items() if not allows(action, resource)] == []


@pytest.mark.parametrize("action", ["ssm:GetParameters", "ssm:PutParameter"])
def test_deployer_may_store_the_secrets_of_forum_and_no_others(action: str) -> None:
    arn = "arn:aws:ssm:eu-central-1:123456789012:parameter"
    assert allows(action, f"{arn}{get_parameter_name('production', 'SUPABASE_SECRET_KEY')}")
    assert not allows(action, f"{arn}/another/production/SECRET")


@pytest.mark.parametrize(
    ("action", "resource"),
    [
        ("iam:CreateUser", "arn:aws:iam::123456789012:user/forum-x"),
        ("iam:AttachRolePolicy", "arn:aws:iam::123456789012:role/forum-production-ProductsRole-A1"),
        ("iam:PassRole", "arn:aws:iam::123456789012:role/administrator"),
        ("kms:Decrypt", "arn:aws:kms:eu-central-1:123456789012:key/a1"),
        ("kms:ScheduleKeyDeletion", "arn:aws:kms:eu-central-1:123456789012:key/a1"),
        ("lambda:CreateFunction", "arn:aws:lambda:eu-central-1:123456789012:function:another"),
        ("s3:GetObject", "arn:aws:s3:::another/a"),
        ("sqs:ReceiveMessage", "arn:aws:sqs:eu-central-1:123456789012:another"),
    ],
)
def test_deployer_may_not(action: str, resource: str) -> None:
    assert not allows(action, resource)


def test_policy_fits_into_a_managed_one() -> None:
    # IAM counts without white space, and takes 6,144.
    assert len(json.dumps(POLICY, separators=(",", ":"))) <= 6144
