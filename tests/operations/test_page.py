"""A stage's page: its settings fit each other, and its files come up in an order that never breaks it."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3  # type: ignore[import-untyped]  # it has no types of its own
import pytest
from moto import mock_aws

from operations.page import empty_page, find_wrong_page, upload_page
from operations.tools import DeployError

SETTINGS = {
    "SUPABASE_URL": "https://project.supabase.co",
    "SUPABASE_ANON_KEY": "sb_publishable_x",
    "AWS_REGION": "eu-central-1",
    "PAGE_URL": "https://forum.example",
    "PAGE_CERTIFICATE_ARN": "arn:aws:acm:us-east-1:123456789012:certificate/a1",
    "ALLOWED_ORIGINS": "http://localhost:5173, https://forum.example",
}
API = "https://api.forum.example"
TEMPLATE = {"Resources": {"PageBucket": {"Type": "AWS::S3::Bucket"}}}


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The bucket of a deployed stage's page."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    with mock_aws():
        session = boto3.Session(region_name=SETTINGS["AWS_REGION"])
        stacks = session.client("cloudformation")
        stacks.create_stack(StackName="forum-production", TemplateBody=json.dumps(TEMPLATE))
        (made,) = stacks.describe_stack_resources(StackName="forum-production")["StackResources"]
        bucket = session.resource("s3").Bucket(made["PhysicalResourceId"])
        yield bucket
        # While tests of another folder still have their AWS, leaving this one forgets nothing.
        if bucket.creation_date is not None:
            bucket.objects.delete()
        stacks.delete_stack(StackName="forum-production")


@pytest.fixture
def built(tmp_path: Path) -> Path:
    """A page as Vite builds it."""
    (tmp_path / "assets").mkdir()
    (tmp_path / "index.html").write_text("<title>Forum</title>")
    (tmp_path / "icon.svg").write_text("<svg/>")
    (tmp_path / "assets" / "index-4f2a.js").write_text("start()")
    (tmp_path / "assets" / "index-4f2a.css").write_text("body {}")
    return tmp_path


def test_page_is_uploaded_as_browsers_have_to_take_it(bucket: Any, built: Path) -> None:
    upload_page("production", SETTINGS, f"{API}/", built)
    found = {each.key: each.Object().get() for each in bucket.objects.all()}
    assert {
        name: (file["ContentType"], "immutable" in file["CacheControl"]) for name, file in found.items()
    } == {
        "assets/index-4f2a.css": ("text/css", True),
        "assets/index-4f2a.js": ("text/javascript", True),
        "config.json": ("application/json", False),
        "icon.svg": ("image/svg+xml", False),
        "index.html": ("text/html", False),
    }
    assert json.loads(found["config.json"]["Body"].read()) == {
        "supabaseUrl": SETTINGS["SUPABASE_URL"],
        "supabaseAnonKey": SETTINGS["SUPABASE_ANON_KEY"],
        "apiUrl": API,
        "realtime": True,
    }


def test_file_that_names_all_others_comes_last_and_former_ones_stay(bucket: Any, built: Path) -> None:
    upload_page("production", SETTINGS, API, built)
    (built / "assets" / "index-4f2a.js").rename(built / "assets" / "index-9c1b.js")
    bucket.Object("index.html").delete()
    # As if the connection broke before the last one.
    (built / "index.html").unlink()
    with pytest.raises(FileNotFoundError):
        upload_page("production", SETTINGS, API, built)
    names = {each.key for each in bucket.objects.all()}
    assert {"assets/index-4f2a.js", "assets/index-9c1b.js", "config.json"} <= names
    assert "index.html" not in names


def test_bucket_is_empty_before_its_stack_goes(bucket: Any, built: Path) -> None:
    upload_page("production", SETTINGS, API, built)
    empty_page("production", SETTINGS)
    assert list(bucket.objects.all()) == []


def test_stage_whose_stack_has_no_bucket_is_told_so_without_a_value(bucket: Any, built: Path) -> None:
    assert bucket
    with pytest.raises(DeployError, match="the page is not there: AWS refuses DescribeStackResource"):
        upload_page("staging", SETTINGS, API, built)


def test_settings_that_fit_are_not_complained_of() -> None:
    assert list(find_wrong_page(SETTINGS)) == []
    assert list(find_wrong_page({})) == []


@pytest.mark.parametrize(
    ("name", "value", "complaint"),
    [
        ("PAGE_URL", "http://forum.example", "PAGE_URL has to be the address"),
        ("PAGE_URL", "https://forum.example/", "PAGE_URL has to be the address"),
        ("ALLOWED_ORIGINS", "https://another.example", "ALLOWED_ORIGINS has to name PAGE_URL"),
        ("PAGE_CERTIFICATE_ARN", "arn:aws:acm:eu-central-1:1:certificate/a", "has to be of us-east-1"),
    ],
)
def test_setting_that_does_not_fit_is_named(name: str, value: str, complaint: str) -> None:
    (wrong,) = find_wrong_page({**SETTINGS, name: value})
    assert complaint in wrong
