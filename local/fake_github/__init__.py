"""A stateful GitHub on loopback, as far as Forum uses it.

REST is held to GitHub's OpenAPI by tests/local/fake_github, GraphQL is executed on GitHub's own schema.
"""

from local.fake_github.account import Account, Owner, Repository
from local.fake_github.app import FakeGitHub
from local.fake_github.seed import DEMO_TOKEN, demo_account
from local.fake_github.server import run_fake_github

__all__ = ["DEMO_TOKEN", "Account", "FakeGitHub", "Owner", "Repository", "demo_account", "run_fake_github"]
