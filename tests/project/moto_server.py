"""moto without its refusal of templates that cfn-lint warns of: AWS takes them. test_template.py lints."""

import sys

from moto.cloudformation import models
from moto.server import main


def accept(_template: str) -> list[str]:
    """No objections."""
    return []


if __name__ == "__main__":
    models.validate_template_cfn_lint = accept  # type: ignore[assignment,attr-defined]  # not made to be replaced
    main(sys.argv[1:])
