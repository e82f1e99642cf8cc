"""How a host's own views say in its OpenAPI schema that they take our tokens: ``phonebind.apps`` loads this."""

from drf_spectacular.contrib.rest_framework_simplejwt import SimpleJWTScheme


class TokenScheme(SimpleJWTScheme):  # type: ignore[no-untyped-call]
    target_class = "phonebind.tokens.Authentication"
    match_subclasses = True
