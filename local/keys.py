"""The secrets of one local project: made once, kept in one file that only its owner reads."""

import base64
import json
import secrets
import time
import uuid
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm, HMACAlgorithm

TEN_YEARS = 10 * 365 * 24 * 3600


@dataclass(frozen=True)
class Keys:
    """Signing keys and API keys, in both of the formats that Supabase hands out."""

    signing_key: dict[str, str]  # the private ES256 key as a JSON Web Key
    jwt_secret: str  # the legacy HS256 secret
    anon_key: str  # sb_publishable_…
    service_role_key: str  # sb_secret_…
    legacy_anon_key: str  # a JWT signed with the legacy secret
    legacy_service_role_key: str
    import_key: str  # proves to the database that GitHub's columns come from the import function
    app_info_key: str  # proves to the database that a sealed value comes from the app info function
    encryption_key: str  # seals secrets and stored GitHub tokens, where AWS has KMS: 32 bytes in base64

    @property
    def public_key(self) -> dict[str, str]:
        """The part of the signing key that anybody may know."""
        return {name: value for name, value in self.signing_key.items() if name != "d"}

    def sign(self, claims: dict[str, Any]) -> str:
        """A token under the project's ES256 key, whatever it claims."""
        return jwt.encode(
            claims, jwt.PyJWK(self.signing_key).key, "ES256", headers={"kid": self.signing_key["kid"]}
        )

    def sign_hs256(self, claims: dict[str, Any]) -> str:
        """A token under the legacy secret, whatever it claims."""
        return jwt.encode(claims, self.jwt_secret, "HS256")

    def api_keys(self) -> dict[str, str]:
        """Each API key with the token that stands for it at PostgREST."""
        return {
            self.anon_key: self.legacy_anon_key,
            self.legacy_anon_key: self.legacy_anon_key,
            self.service_role_key: self.legacy_service_role_key,
            self.legacy_service_role_key: self.legacy_service_role_key,
        }

    def verification_keys(self) -> dict[str, Any]:
        """What PostgREST verifies tokens with: the public key and, unlike the public JWKS, the secret."""
        secret = HMACAlgorithm.to_jwk(self.jwt_secret.encode(), as_dict=True)
        return {"keys": [self.public_key, {**secret, "alg": "HS256"}]}


def load_keys(directory: Path) -> Keys:
    """Reads the keys of a project. Missing ones are made: all the first time, a new one after an update."""
    path = directory / "keys.json"
    names = {field.name for field in fields(Keys)}
    found = json.loads(path.read_text()) if path.exists() else {}
    kept = {name: value for name, value in found.items() if name in names}
    if kept.keys() == names:
        return Keys(**kept)
    keys = Keys(**{**asdict(make_keys()), **kept})
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    partial = path.with_suffix(".partial")
    partial.touch(mode=0o600)
    partial.write_text(json.dumps(asdict(keys), indent=2))
    partial.replace(path)
    return keys


def make_keys() -> Keys:
    """Fresh keys."""
    jwt_secret = secrets.token_urlsafe(48)
    return Keys(
        signing_key={
            **ECAlgorithm.to_jwk(ec.generate_private_key(ec.SECP256R1()), as_dict=True),
            "kid": str(uuid.uuid4()),
            "alg": "ES256",
            "use": "sig",
        },
        jwt_secret=jwt_secret,
        anon_key=f"sb_publishable_{secrets.token_urlsafe(24)}",
        service_role_key=f"sb_secret_{secrets.token_urlsafe(24)}",
        legacy_anon_key=legacy_key("anon", jwt_secret),
        legacy_service_role_key=legacy_key("service_role", jwt_secret),
        import_key=secrets.token_urlsafe(32),
        app_info_key=secrets.token_urlsafe(32),
        encryption_key=base64.b64encode(secrets.token_bytes(32)).decode(),
    )


def legacy_key(role: str, jwt_secret: str) -> str:
    """An API key of the old format: a token that names nothing but a role."""
    now = int(time.time())
    claims = {"iss": "supabase", "ref": "forum", "role": role, "iat": now, "exp": now + TEN_YEARS}
    return jwt.encode(claims, jwt_secret, "HS256")
