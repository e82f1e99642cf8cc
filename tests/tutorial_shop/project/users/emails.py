from rest_framework.permissions import IsAuthenticated
from rest_framework.response import Response
from rest_framework.views import APIView

from users import links
from users.models import User


class EmailView(APIView):
    permission_classes = (IsAuthenticated,)

    def put(self, request):
        user = request.user
        user.email, user.email_active = request.data["email"], False
        user.save(update_fields=["email", "email_active"])
        # The course sends it by mail.
        return Response({"id": user.pk, "email": user.email, "token": links.sign(user.pk, "e-mail")})


class VerifyEmailView(APIView):
    def get(self, request):
        pk = links.read(request.query_params["token"], "e-mail", 86_400)
        User.objects.filter(pk=pk).update(email_active=True)
        return Response({"message": "OK"})
