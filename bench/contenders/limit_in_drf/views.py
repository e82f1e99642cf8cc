"""The callback view."""

from rest_framework.exceptions import ParseError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from bench.contenders.limit.app import sign_in


class QQUserView(APIView):
    """Gives the answer of the limit."""

    def get(self, request: Request) -> Response:
        code = request.query_params.get("code")
        if not code:
            raise ParseError
        status, answer = sign_in(code)
        return Response(answer, status=int(status[:3]))
