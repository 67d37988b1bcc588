"""What the environment tells a function. `.env.example` explains every setting."""

import os
from functools import cache
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, HttpUrl, model_validator

from shared.aws.deployment_secrets import SecretSetting

MIN_JWT_SECRET_BYTES = 32


class Settings(BaseModel):
    """The settings of a function, each read from the variable of the same name in capitals."""

    model_config = ConfigDict(
        extra="ignore", frozen=True, alias_generator=str.upper, hide_input_in_errors=True
    )

    supabase_url: HttpUrl
    supabase_anon_key: str
    supabase_jwks_url: HttpUrl | None = None
    supabase_jwt_secret: SecretSetting | None = None
    supabase_jwt_issuer: str = ""
    allow_anonymous_sign_ins: bool = False
    github_api_url: HttpUrl = HttpUrl("https://api.github.com")
    github_token_from_jwt: bool = False
    github_import_key: SecretSetting | None = None
    github_graphql_url: HttpUrl | None = None
    github_oauth_url: HttpUrl = HttpUrl("https://github.com/login/oauth/access_token")
    github_app_client_id: str | None = None
    github_app_client_secret: SecretSetting | None = None
    app_info_key: SecretSetting | None = None
    encryption_key: str | None = Field(None, repr=False)
    encryption_key_previous: str | None = Field(None, repr=False)
    kms_key_id: str | None = None
    sync_queue_url: str | None = None
    supabase_secret_key: SecretSetting | None = None
    page_url: HttpUrl | None = None
    allowed_origins: str = ""
    commit: str | None = None
    api_base_path: str = Field("", pattern=r"^(/[A-Za-z0-9._~-]+)*$")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"

    @model_validator(mode="after")
    def check_that_tokens_can_be_verified(self) -> Self:
        """Refuse at cold start what would otherwise be a 401 for everybody."""
        if self.supabase_jwks_url is None:
            if self.supabase_jwt_secret is None:
                raise ValueError(
                    "set SUPABASE_JWKS_URL, or SUPABASE_JWT_SECRET for a project with the legacy secret"
                )
            # One that is elsewhere was looked at by `make deploy`.
            secret = self.supabase_jwt_secret
            if not secret.is_reference and len(secret.text.encode()) < MIN_JWT_SECRET_BYTES:
                # RFC 7518 section 3.2: a key as long as the hash, at least.
                raise ValueError("SUPABASE_JWT_SECRET is shorter than the 32 bytes that HS256 needs")
        return self

    @model_validator(mode="after")
    def check_that_one_key_wraps_all(self) -> Self:
        """Two would leave it open which one a new value is sealed with."""
        if self.encryption_key is not None and self.kms_key_id is not None:
            raise ValueError("set ENCRYPTION_KEY or KMS_KEY_ID, not both")
        if self.encryption_key_previous is not None and self.encryption_key is None:
            raise ValueError("ENCRYPTION_KEY_PREVIOUS is of use beside ENCRYPTION_KEY only")
        return self

    @property
    def supabase_origin(self) -> str:
        """The project's URL without a slash at its end."""
        return str(self.supabase_url).rstrip("/")

    @property
    def graphql_url(self) -> str:
        """GitHub's GraphQL, which stands beside REST: `/graphql`; on an Enterprise server `/api/graphql`."""
        if self.github_graphql_url is not None:
            return str(self.github_graphql_url)
        return str(self.github_api_url).rstrip("/").removesuffix("/v3") + "/graphql"

    @property
    def issuer(self) -> str:
        """Who has to have issued a token: the project's sign-in service unless set otherwise."""
        return self.supabase_jwt_issuer or f"{self.supabase_origin}/auth/v1"


@cache
def get_settings() -> Settings:
    """The settings of this process, read once. An empty variable counts as one that is not set."""
    return Settings.model_validate({name: value for name, value in os.environ.items() if value})
