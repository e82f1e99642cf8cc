from django.core import signing
from django_redis import get_redis_connection
from rest_framework.response import Response
from rest_framework.views import APIView

from carts.merge import merge_cart_cookie_to_redis
from oauth import qq
from oauth.models import OAuthQQUser
from users.models import User
from users.tokens import create_token


class QQAuthURLView(APIView):
    def get(self, request):
        return Response({"login_url": qq.login_url(request.query_params.get("next", "/"))})


class QQAuthUserView(APIView):
    def get(self, request):
        openid = qq.openid(request.query_params["code"])
        bound = OAuthQQUser.objects.filter(openid=openid).first()
        if bound is None:
            return Response({"access_token": signing.dumps(openid, salt="oauth")})
        return self.signed_in(bound.user)

    def post(self, request):
        form, openid = request.data, signing.loads(request.data["access_token"], salt="oauth", max_age=600)
        stored = get_redis_connection("verify_codes").get(f"sms_{form['mobile']}")
        if stored is None or stored.decode() != form["sms_code"]:
            return Response({"message": "短信验证码错误"}, status=400)
        user = User.objects.filter(mobile=form["mobile"]).first()
        if user is None:
            user = User.objects.create_user(form["mobile"], password=form["password"], mobile=form["mobile"])
        elif not user.check_password(form["password"]):
            return Response({"message": "密码错误"}, status=400)
        OAuthQQUser.objects.create(user=user, openid=openid)
        return self.signed_in(user, 201)

    def signed_in(self, user, status=200):
        body = {"token": create_token(user), "user_id": user.pk, "id": user.pk, "username": user.username}
        response = Response(body, status=status)
        merge_cart_cookie_to_redis(self.request, user, response)
        return response
