"""The page of a stage that has a certificate for it: built here, and put into the stage's bucket."""

import json
import mimetypes
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3  # type: ignore[import-untyped]  # it has no types of its own
from botocore.exceptions import (  # type: ignore[import-untyped]  # as boto3
    BotoCoreError,
    ClientError,
)

from operations.parameters import get_region
from operations.tools import ROOT, DeployError, call

BUILT = ROOT / "web" / "dist"
BUCKET = "PageBucket"
CERTIFICATE = "PAGE_CERTIFICATE_ARN"
REVALIDATE = "no-cache"
# Vite puts a digest of its content into the name of each file there.
FOREVER = "public, max-age=31536000, immutable"
# CloudFront takes certificates of this region only.
CERTIFICATES = "arn:aws:acm:us-east-1:"


def find_wrong_page(settings: Mapping[str, str]) -> Iterator[str]:
    """What is wrong with the settings of the page, each in a line."""
    if CERTIFICATE not in settings:
        return
    url = settings.get("PAGE_URL", "")
    if not url.startswith("https://") or url.endswith("/"):
        yield f"PAGE_URL has to be the address that {CERTIFICATE} is for, such as https://forum.example"
    elif url not in settings.get("ALLOWED_ORIGINS", "").replace(" ", "").split(","):
        yield "ALLOWED_ORIGINS has to name PAGE_URL: the page calls the API from there"
    if not settings[CERTIFICATE].startswith(CERTIFICATES):
        yield f"{CERTIFICATE} has to be of us-east-1: CloudFront takes no other"


def publish_page(stage: str, settings: Mapping[str, str], api_url: str) -> None:
    """Builds the page and uploads it. Raises `DeployError`."""
    if CERTIFICATE not in settings:
        return
    # No credentials: what builds the page is code of many packages.
    needed = ("PATH", "HOME", "LANG", "TMPDIR", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")
    build = {name: value for name, value in os.environ.items() if name.upper() in needed}
    call([shutil.which("make") or "make", "page"], build)
    upload_page(stage, settings, api_url, BUILT)


def upload_page(stage: str, settings: Mapping[str, str], api_url: str, built: Path) -> None:
    """Puts the files of a built page into the bucket, the one that names all others last.

    Files of before stay: a browser that has the page of before still asks for them.
    """
    files = sorted(path for path in built.rglob("*") if path.is_file() and path.name != "index.html")
    with open_bucket(stage, settings) as bucket:
        for path in files:
            put(bucket, path.relative_to(built).as_posix(), path.read_bytes())
        put(bucket, "config.json", json.dumps(describe_backend(settings, api_url)).encode())
        put(bucket, "index.html", (built / "index.html").read_bytes())


def describe_backend(settings: Mapping[str, str], api_url: str) -> dict[str, str | bool]:
    """What the page reads when it starts."""
    return {
        "supabaseUrl": settings["SUPABASE_URL"],
        "supabaseAnonKey": settings["SUPABASE_ANON_KEY"],
        "apiUrl": api_url.rstrip("/"),
        # As every hosted project has. The page gives up where nothing answers.
        "realtime": True,
    }


def empty_page(stage: str, settings: Mapping[str, str]) -> None:
    """Takes the files away: CloudFormation deletes no bucket that holds something. Raises `DeployError`."""
    if CERTIFICATE in settings:
        with open_bucket(stage, settings) as bucket:
            bucket.objects.all().delete()


def put(bucket: Any, name: str, content: bytes) -> None:
    """A file, as browsers have to take and keep it."""
    media_type, _ = mimetypes.guess_type(name)
    bucket.put_object(
        Key=name,
        Body=content,
        ContentType=media_type or "application/octet-stream",
        CacheControl=FOREVER if name.startswith("assets/") else REVALIDATE,
    )


@contextmanager
def open_bucket(stage: str, settings: Mapping[str, str]) -> Iterator[Any]:
    """The bucket of a stage's page. What AWS raises becomes `DeployError`."""
    session = boto3.Session(profile_name=settings.get("AWS_PROFILE"), region_name=get_region(settings))
    try:
        found = session.client("cloudformation").describe_stack_resource(
            StackName=f"forum-{stage}", LogicalResourceId=BUCKET
        )
        yield session.resource("s3").Bucket(found["StackResourceDetail"]["PhysicalResourceId"])
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code")
        raise DeployError(f"the page is not there: AWS refuses {error.operation_name}: {code}") from None
    except BotoCoreError as error:
        raise DeployError(f"the page is not there: {type(error).__name__}") from None
