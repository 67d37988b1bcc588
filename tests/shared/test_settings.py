"""Settings: refused at start where they cannot work."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from shared.settings import Settings

ENOUGH = {
    "SUPABASE_URL": "https://project.supabase.co/",
    "SUPABASE_ANON_KEY": "sb_publishable_x",
    "SUPABASE_JWKS_URL": "https://project.supabase.co/auth/v1/.well-known/jwks.json",
}


def test_issuer_is_the_projects_sign_in_unless_set() -> None:
    assert Settings.model_validate(ENOUGH).issuer == "https://project.supabase.co/auth/v1"
    custom = Settings.model_validate({**ENOUGH, "SUPABASE_JWT_ISSUER": "https://id.example.com/auth/v1"})
    assert custom.issuer == "https://id.example.com/auth/v1"


@pytest.mark.parametrize("missing", ["SUPABASE_URL", "SUPABASE_ANON_KEY", "SUPABASE_JWKS_URL"])
def test_missing_setting_is_refused(missing: str) -> None:
    with pytest.raises(ValidationError):
        Settings.model_validate({name: value for name, value in ENOUGH.items() if name != missing})


def test_short_legacy_secret_is_refused_and_not_shown() -> None:
    without = {name: value for name, value in ENOUGH.items() if name != "SUPABASE_JWKS_URL"}
    with pytest.raises(ValidationError) as refused:
        Settings.model_validate({**without, "SUPABASE_JWT_SECRET": "s3cr3t"})
    assert "s3cr3t" not in str(refused.value)


def test_legacy_secret_that_is_elsewhere_is_taken_at_start() -> None:
    without = {name: value for name, value in ENOUGH.items() if name != "SUPABASE_JWKS_URL"}
    elsewhere = {"SUPABASE_JWT_SECRET": "ssm:/forum/a"}
    secret = Settings.model_validate({**without, **elsewhere}).supabase_jwt_secret
    assert secret is not None
    assert secret.is_reference


def test_two_keys_for_the_same_thing_are_refused_and_not_shown() -> None:
    both = {"ENCRYPTION_KEY": "s3cr3t", "KMS_KEY_ID": "alias/forum"}
    with pytest.raises(ValidationError) as refused:
        Settings.model_validate({**ENOUGH, **both})
    assert "s3cr3t" not in str(refused.value)
    assert "s3cr3t" not in repr(Settings.model_validate({**ENOUGH, "ENCRYPTION_KEY": "s3cr3t"}))


def test_previous_key_without_one_to_seal_under_is_refused_and_not_shown() -> None:
    for beside in ({}, {"KMS_KEY_ID": "alias/forum"}):
        with pytest.raises(ValidationError, match="ENCRYPTION_KEY_PREVIOUS is of use beside") as refused:
            Settings.model_validate({**ENOUGH, **beside, "ENCRYPTION_KEY_PREVIOUS": "s3cr3t"})
        assert "s3cr3t" not in str(refused.value)
    both = {"ENCRYPTION_KEY": "s3cr3t", "ENCRYPTION_KEY_PREVIOUS": "s3cr3t"}
    assert "s3cr3t" not in repr(Settings.model_validate({**ENOUGH, **both}))


def test_example_names_every_setting_with_a_default_that_is_valid() -> None:
    lines = Path(".env.example").read_text().splitlines()
    example = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
    of_a_deployment = {
        *(
            "ALLOWED_HEADERS",
            "ALARM_TOPIC_ARN",
            "TRACING",
            "SNAP_START",
            "DATABASE_URL",
            "API_URL",
        ),
        *("KMS_KEY_ID_PREVIOUS", "SECRETS_SECOND_FACTOR", "SECRETS_SIGN_IN_MINUTES"),
        *("ACTIVITY_RETENTION_DAYS", "ACCOUNT_LIMITS", "PAGE_CERTIFICATE_ARN"),
    }
    assert example.keys() - of_a_deployment == {name.upper() for name in Settings.model_fields}
    given = Settings.model_validate({name: value for name, value in example.items() if value})
    # Their defaults are serverless.yml's: without one no origin is allowed.
    elsewhere = ("supabase_jwks_url", "allowed_origins")
    for name, field in Settings.model_fields.items():
        if not field.is_required() and example[name.upper()] and name not in elsewhere:
            assert getattr(given, name) == field.default, f"{name} in .env.example is not the default"
