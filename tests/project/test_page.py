"""The page in the template: only where a stage has a certificate for it, private, with its own headers."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from local.page_server.app import Config, security_headers
from tests.patience import PATIENCE_SECONDS
from tests.project.test_template import (
    REDUNDANT_DEPENDS_ON,
    ROOT,
    SETTINGS,
    of_type,
    package,
    packaged,
    read_resources,
    template,
)

__all__ = ["packaged", "template"]

JSON = dict[str, Any]
API = "https://api.forum.example"
PAGED = {
    **SETTINGS,
    "API_URL": f"{API}/backend",
    "PAGE_URL": "https://forum.example",
    "PAGE_CERTIFICATE_ARN": "arn:aws:acm:us-east-1:123456789012:certificate/"
    "6c5b9d0e-0000-4000-8000-0123456789ab",
}
NODE = shutil.which("node") or "node"


@pytest.fixture(scope="session")
def compiled_with_page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The template of a stage that has a certificate for the page."""
    return package(tmp_path_factory.mktemp("paged"), PAGED)


@pytest.fixture(scope="session")
def paged(compiled_with_page: Path) -> JSON:
    """Its resources by name."""
    return read_resources(compiled_with_page)


def test_stage_without_a_certificate_has_nothing_of_the_page(template: JSON, paged: JSON) -> None:
    added = {name for name in paged if name not in template}
    assert {name for name in added if not name.startswith("Page")} == set()
    assert added
    assert [name for name in template if name.startswith("Page")] == []


def test_template_with_the_page_passes_cfn_lint(compiled_with_page: Path) -> None:
    linter = Path(sys.executable).with_name("cfn-lint")
    said = subprocess.run(  # noqa: S603 - the program is named here
        [linter, "--ignore-checks", REDUNDANT_DEPENDS_ON, "--template", compiled_with_page],
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_SECONDS,
    )
    assert (said.returncode, said.stdout) == (0, "")


def read_headers(paged: JSON) -> dict[str, str]:
    """What CloudFront adds to every answer."""
    (added,) = of_type(paged, "AWS::CloudFront::ResponseHeadersPolicy").values()
    settings = added["ResponseHeadersPolicyConfig"]
    security = settings["SecurityHeadersConfig"]
    policy = security["ContentSecurityPolicy"]["ContentSecurityPolicy"]
    return {
        "Content-Security-Policy": policy if isinstance(policy, str) else policy["Fn::Sub"],
        "Referrer-Policy": security["ReferrerPolicy"]["ReferrerPolicy"],
        "X-Content-Type-Options": "nosniff" if security["ContentTypeOptions"]["Override"] else "",
        **{each["Header"]: each["Value"] for each in settings["CustomHeadersConfig"]["Items"]},
    }


def test_headers_are_those_that_the_page_is_tested_with(paged: JSON) -> None:
    config: Config = {
        "supabaseUrl": SETTINGS["SUPABASE_URL"],
        "supabaseAnonKey": "x",
        "apiUrl": PAGED["API_URL"],
        "realtime": True,
        "demo": {"email": "", "password": ""},
    }
    assert read_headers(paged) == security_headers(config)


def test_headers_on_the_page_about_serving_it_are_the_same(paged: JSON) -> None:
    page = (ROOT / "docs" / "page.md").read_text()
    told = dict(re.findall(r"^ +\| `([A-Za-z-]+)` \| `(.+)` \|$", page, re.MULTILINE))
    assert told.pop("Strict-Transport-Security") == "max-age=63072000"
    policy = told["Content-Security-Policy"]
    policy = policy.replace("<origin of the API>", API)
    policy = policy.replace("<the same with wss:>", SETTINGS["SUPABASE_URL"].replace("https:", "wss:"))
    told["Content-Security-Policy"] = policy.replace("<origin of Supabase>", SETTINGS["SUPABASE_URL"])
    assert told == read_headers(paged)


def test_policy_names_the_gateway_where_the_api_has_no_domain(tmp_path: Path) -> None:
    settings = {name: value for name, value in PAGED.items() if name != "API_URL"}
    policy = read_headers(read_resources(package(tmp_path, settings)))["Content-Security-Policy"]
    assert "connect-src 'self' https://${HttpApi}.execute-api.${AWS::Region}.${AWS::URLSuffix} " in policy


def test_files_are_read_by_cloudfront_alone_and_over_tls(paged: JSON) -> None:
    bucket = paged["PageBucket"]["Properties"]
    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    allowed, denied = paged["PageBucketPolicy"]["Properties"]["PolicyDocument"]["Statement"]
    assert (allowed["Effect"], allowed["Action"]) == ("Allow", "s3:GetObject")
    assert allowed["Principal"] == {"Service": "cloudfront.amazonaws.com"}
    assert set(allowed["Condition"]["StringEquals"]) == {"AWS:SourceArn"}
    assert (denied["Effect"], denied["Condition"]) == ("Deny", {"Bool": {"aws:SecureTransport": "false"}})


@pytest.mark.parametrize(
    ("asked", "served"),
    [
        ("/", "/index.html"),
        ("/products/7/documents", "/index.html"),
        ("/a.b", "/index.html"),
        ("/assets/index-4f2a.js", "/assets/index-4f2a.js"),
        ("/assets/", "/index.html"),
        ("/config.json", "/config.json"),
        ("/icon.svg", "/icon.svg"),
        ("/x/config.json", "/index.html"),
    ],
)
def test_address_within_the_page_is_the_page(paged: JSON, asked: str, served: str) -> None:
    (function,) = of_type(paged, "AWS::CloudFront::Function").values()
    event = json.dumps({"request": {"uri": asked}})
    program = f"{function['FunctionCode']}; console.log(handler({event}).uri)"
    ran = subprocess.run(  # noqa: S603 - our own program
        [NODE, "--eval", program], capture_output=True, text=True, check=True, timeout=PATIENCE_SECONDS
    )
    assert ran.stdout.strip() == served
