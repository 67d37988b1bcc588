"""moto without two of its objections to templates that AWS takes.

It refuses what cfn-lint warns of, which test_template.py lints by itself; and it makes no key with tags: it
reads their parts by KMS's names and not by CloudFormation's.
"""

import sys
from typing import Any

from moto.cloudformation import models
from moto.kms.models import Key, KmsBackend
from moto.server import main

create_key = KmsBackend.create_key


def accept(_template: str) -> list[str]:
    """No objections."""
    return []


def create_key_with_tags(  # noqa: PLR0913, PLR0917 - moto's own
    backend: KmsBackend,
    policy: str | None,
    key_usage: str,
    key_spec: str,
    description: str,
    tags: list[dict[str, str]] | None,
    *rest: Any,
) -> Key:
    """A key with its tags, by either of their names."""
    renamed = [
        {"TagKey": tag["Key"], "TagValue": tag["Value"]} if "Key" in tag else tag for tag in tags or []
    ]
    return create_key(backend, policy, key_usage, key_spec, description, renamed, *rest)


if __name__ == "__main__":
    models.validate_template_cfn_lint = accept  # type: ignore[assignment,attr-defined]  # not made to be replaced
    KmsBackend.create_key = create_key_with_tags  # type: ignore[assignment,method-assign]  # as above
    main(sys.argv[1:])
