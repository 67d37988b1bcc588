"""One room for each Lambda function. No room imports another; what they share is in `shared/`."""

from shared.loading import begin_loading

begin_loading()
