"""The dispatcher: EventBridge Scheduler calls it every quarter of an hour."""

from dataclasses import asdict
from typing import Any

from functions.sync_dispatcher.service import dispatch
from shared.runtime.invocation import observed
from shared.runtime.lambda_context import LambdaContext


@observed
def handler(event: Any, context: LambdaContext) -> dict[str, int]:  # noqa: ARG001 - the event says nothing but "now"
    """Queue the re-syncs that are due."""
    return asdict(dispatch(context.get_remaining_time_in_millis))
