"""What make package builds, run as Lambda runs it."""
