"""osls deploys to moto, deploys again and goes back."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.project.account import STACK, Account, run_account

# moto passes over them and calls it a success: test_template.py looks at them in the template.
SKIPPED = {
    "AWS::ApiGatewayV2::Api",
    "AWS::ApiGatewayV2::Integration",
    "AWS::ApiGatewayV2::Route",
    "AWS::ApiGatewayV2::Stage",
    "AWS::CloudWatch::Alarm",
    "AWS::Logs::MetricFilter",
    "AWS::S3::BucketPolicy",
    "AWS::SQS::QueuePolicy",
    "AWS::Scheduler::Schedule",
}


@pytest.fixture
def account(tmp_path: Path) -> Iterator[Account]:
    """A new one."""
    with run_account(tmp_path) as account:
        yield account


def test_deploying_completes_again_and_back(account: Account) -> None:
    account.deploy("first")
    first = account.code()
    cloudformation = account.client("cloudformation")
    declared = account.declared()
    deployment = account.deployment()
    pages = cloudformation.get_paginator("list_stack_resources").paginate(StackName=STACK)
    made = {each["LogicalResourceId"] for page in pages for each in page["StackResourceSummaries"]}
    assert {each["Type"] for name, each in declared.items() if name not in made} == SKIPPED
    assert not SKIPPED & {each["Type"] for name, each in declared.items() if name in made}

    account.deploy("second")
    assert account.code() != first

    account.osls("rollback", "--timestamp", deployment)
    assert account.code() == first
    assert cloudformation.describe_stacks(StackName=STACK)["Stacks"][0]["StackStatus"] == "UPDATE_COMPLETE"
