from django.contrib.auth import authenticate
from django.core import signing
from django_redis import get_redis_connection
from rest_framework.generics import CreateAPIView, RetrieveAPIView
from rest_framework.permissions import IsAuthenticated
from rest_framework.response import Response
from rest_framework.serializers import ModelSerializer
from rest_framework.views import APIView

from carts.merge import merge_cart_cookie_to_redis
from users import image_codes
from users.models import User
from users.serializers import CreateUserSerializer
from users.tokens import create_token


class UserView(CreateAPIView):
    serializer_class = CreateUserSerializer


class UsernameCountView(APIView):
    def get(self, request, username):
        return Response({"username": username, "count": User.objects.filter(username=username).count()})


class MobileCountView(APIView):
    def get(self, request, mobile):
        return Response({"mobile": mobile, "count": User.objects.filter(mobile=mobile).count()})


class UserDetailSerializer(ModelSerializer):
    class Meta:
        model = User
        fields = ("id", "username", "mobile", "email", "email_active")


class UserDetailView(RetrieveAPIView):
    serializer_class = UserDetailSerializer
    permission_classes = (IsAuthenticated,)

    def get_object(self):
        return self.request.user


class UserAuthorizeView(APIView):
    def post(self, request):
        user = authenticate(request, username=request.data["username"], password=request.data["password"])
        if user is None:
            return Response({"non_field_errors": ["无法使用提供的认证信息登录。"]}, status=400)
        response = Response({"token": create_token(user), "user_id": user.pk, "username": user.username})
        merge_cart_cookie_to_redis(request, user, response)
        return response


class SmsTokenView(APIView):
    """The first step of a forgotten password: an image code for a token that an SMS may be asked with."""

    def get(self, request, account):
        user = _named(account)
        if user is None or not user.mobile:
            return Response({"message": "用户不存在"}, status=404)
        if not image_codes.is_right(request, user.mobile):
            return Response({"message": "图形验证码错误"}, status=400)
        return Response({"mobile": user.mobile, "access_token": signing.dumps(user.mobile, salt="forgotten-password")})


class PasswordTokenView(APIView):
    """The third: the code of the SMS for a token that a password may be set with."""

    def get(self, request, account):
        user = _named(account)
        stored = get_redis_connection("verify_codes").get(f"sms_{user.mobile}")
        if stored is None or stored.decode() != request.query_params["sms_code"]:
            return Response({"message": "短信验证码错误"}, status=400)
        return Response({"user_id": user.pk, "access_token": signing.dumps(user.pk, salt="set-password")})


class PasswordView(APIView):
    """The last one; and the form of the user centre."""

    def post(self, request, pk):
        if signing.loads(request.data["access_token"], salt="set-password", max_age=300) != pk:
            return Response({"message": "无效的token"}, status=400)
        return self.save(User.objects.get(pk=pk))

    def put(self, request, pk):
        if not request.user.check_password(request.data["old_password"]):
            return Response({"message": "密码错误"}, status=400)
        return self.save(request.user)

    def save(self, user):
        user.set_password(self.request.data["password"])
        user.save()
        return Response({"id": user.pk})


def _named(account):
    return User.objects.filter(username=account).first() or User.objects.filter(mobile=account).first()
