"""The checks that are made from the catalogue, so that what is added tomorrow is held to them too."""

from tests.database.constraint_checks import checks_refuse_what_is_just_outside
from tests.database.definer_checks import (
    definers_refuse_what_is_anothers,
    definers_take_no_caller_from_a_token_that_is_no_persons,
)
from tests.database.forgery_checks import what_clients_send_decides_nothing
from tests.database.option_checks import OPTION_CHECKS

GENERATED_CHECKS = (
    checks_refuse_what_is_just_outside,
    definers_refuse_what_is_anothers,
    definers_take_no_caller_from_a_token_that_is_no_persons,
    what_clients_send_decides_nothing,
    *OPTION_CHECKS,
)
