"""Calls to Tencent Cloud: its SDK composes and signs them, and we send them.

The SDK's own client logs secrets at DEBUG, follows redirects, and has no deadline for a whole call.
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

try:
    from tencentcloud.common.abstract_client import AbstractClient
    from tencentcloud.common.credential import Credential
    from tencentcloud.common.http.request import RequestInternal
    from tencentcloud.common.profile.client_profile import ClientProfile
    from tencentcloud.common.profile.http_profile import HttpProfile
except ImportError as error:
    raise ImportError("Tencent's SDK is not installed: pip install 'phonebind[tencent]'") from error


def sign(
    client: type[AbstractClient],
    keys: tuple[str, str],
    endpoint: str,
    action: str,
    params: Mapping[str, Any],
    *,
    region: str = "",
) -> tuple[bytes, dict[str, str]]:
    """Body and headers of a POST to ``endpoint``. It uses the private method that the SDK calls before it sends, since
    there is no public one for this alone. ``keys``: SecretId and SecretKey.
    """
    host = urlsplit(endpoint).netloc
    profile = ClientProfile(httpProfile=HttpProfile(endpoint=host))
    # The SDK signs the path "/", whatever the endpoint.
    request = RequestInternal(host, "POST", "/")
    client(Credential(*keys), region, profile)._build_req_inter(action, params, request)
    return request.data.encode(), request.header
