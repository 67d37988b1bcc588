"""The maintenance: EventBridge Scheduler calls it every hour."""

from typing import Any

from functions.maintenance.service import maintain
from shared.runtime.invocation import observed
from shared.runtime.lambda_context import LambdaContext


@observed
def handler(event: Any, context: LambdaContext) -> dict[str, int]:  # noqa: ARG001 - the event says nothing but "now"
    """Remove what has had its time. Answers how many rows of each step have gone."""
    return maintain(context.get_remaining_time_in_millis)
