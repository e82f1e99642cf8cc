"""Identity providers. Adding one is one file and its line in ``PROVIDERS``."""

from phonebind.conf import conf
from phonebind.exceptions import ProviderUnknown
from phonebind.oauth.base import Grant, Identity, Provider
from phonebind.oauth.qq import QQ

__all__ = ["PROVIDERS", "Grant", "Identity", "Provider", "get"]

PROVIDERS: dict[str, type[Provider]] = {provider.name: provider for provider in (QQ,)}


def get(name: str) -> Provider:
    """The provider of that name, ready for one request. Raises ProviderUnknown where the site has none."""
    if name not in PROVIDERS or name not in conf.providers:
        raise ProviderUnknown
    return PROVIDERS[name](conf.provider(name))
