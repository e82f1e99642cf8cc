"""The public keys that verify tokens, for other services: ``path(".well-known/jwks.json", KeysView.as_view())``."""

from django.utils.decorators import method_decorator
from django.views.decorators.cache import cache_control
from rest_framework.permissions import AllowAny
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from phonebind import token_keys

#: Seconds for which a client may cache the answer. A new key is published for longer than this before it signs.
MAX_AGE = 300


class KeysView(APIView):
    """A JSON Web Key Set (RFC 7517). It is empty where a secret signs tokens: that secret could also make tokens."""

    authentication_classes = ()
    permission_classes = (AllowAny,)
    throttle_classes = ()
    renderer_classes = (JSONRenderer,)
    versioning_class = None
    http_method_names = ("get", "head")

    @method_decorator(cache_control(public=True, max_age=MAX_AGE))
    def get(self, request: Request) -> Response:
        return Response({"keys": token_keys.public_keys()})
