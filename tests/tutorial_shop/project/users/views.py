from django.contrib.auth import authenticate
from django.core import signing
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
        fields = ("id", "username", "mobile")


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
        user = User.objects.filter(username=account).first() or User.objects.filter(mobile=account).first()
        if user is None or not user.mobile:
            return Response({"message": "用户不存在"}, status=404)
        if not image_codes.is_right(request, user.mobile):
            return Response({"message": "图片验证码错误"}, status=400)
        return Response({"mobile": user.mobile, "access_token": signing.dumps(user.mobile, salt="forgotten-password")})
