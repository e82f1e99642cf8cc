"""The OpenAPI description of the token keys. It is not in ``schema``: the host itself adds this view to its URLs."""

from typing import cast

from drf_spectacular.extensions import OpenApiViewExtension
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import fields

from phonebind.api import serializers
from phonebind.api.keys import KeysView


class JWK(serializers.Shape):
    """RFC 7517. The key is `crv`, `x` and `y`, or `n` and `e`."""

    kid = fields.CharField()
    alg = fields.CharField()
    use = fields.CharField()
    kty = fields.CharField()
    crv = fields.CharField(required=False)
    x = fields.CharField(required=False)
    y = fields.CharField(required=False)
    n = fields.CharField(required=False)
    e = fields.CharField(required=False)


class JWKS(serializers.Shape):
    keys = JWK(many=True)


class Keys(OpenApiViewExtension):  # type: ignore[no-untyped-call]
    target_class = KeysView
    match_subclasses = True

    def view_replacement(self) -> type[KeysView]:
        described = extend_schema(
            operation_id="phonebind_keys",
            description="The public keys that verify tokens, as a JSON Web Key Set: first the key that signs now, then "
            "the next key, and former keys. Empty if a secret signs tokens.",
            tags=["phonebind"],
            responses={200: JWKS},
        )
        return cast("type[KeysView]", extend_schema_view(get=described)(type(self.target.__name__, (self.target,), {})))
