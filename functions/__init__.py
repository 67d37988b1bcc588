"""One package for each Lambda function. None imports another; what they share is in `shared/`."""

from shared.runtime.garbage_collector import begin_loading

begin_loading()
