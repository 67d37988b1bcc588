"""The running fake, for the client's tests as well."""

from tests.local.fake_github.conftest import fake, running_fake

__all__ = ["fake", "running_fake"]
