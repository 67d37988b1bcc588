"""One package for each Lambda function. None imports another; what they share is in `shared/`."""

from shared.runtime import garbage_collector

garbage_collector.pause()
