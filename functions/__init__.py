"""One package for each Lambda function. None imports another; what they share is in `shared/`."""

from shared.loading import begin_loading

begin_loading()
