"""Measures what Forum promises of speed and cost, by `make bench`. Ratios travel, absolute times do not."""
