import secrets
from io import BytesIO

from django.core import signing
from django.http import HttpResponse
from django_redis import get_redis_connection
from PIL import Image, ImageDraw, ImageFont
from rest_framework.response import Response
from rest_framework.views import APIView


class ImageCodeView(APIView):
    def get(self, request, image_code_id):
        text = "".join(secrets.choice("ABCDEFGHJKLMNPQRSTUVWXYZ") for _ in range(4))
        get_redis_connection("verify_codes").set(f"img_{image_code_id}", text, ex=300)
        image = Image.new("RGB", (80, 30), "white")
        ImageDraw.Draw(image).text((10, 5), text, fill="black", font=ImageFont.load_default())
        image.save(stream := BytesIO(), "JPEG")
        return HttpResponse(stream.getvalue(), content_type="image/jpg")


class SmsCodeView(APIView):
    def get(self, request, mobile):
        stored = get_redis_connection("verify_codes").getdel(f"img_{request.query_params['image_code_id']}")
        if stored is None or stored.decode().lower() != request.query_params["text"].lower():
            return Response({"message": "图片验证码有误"}, status=400)
        return send(mobile)


class SmsCodeByTokenView(APIView):
    """The second step of a forgotten password."""

    def get(self, request):
        return send(signing.loads(request.query_params["access_token"], salt="forgotten-password", max_age=300))


def send(mobile):
    code = f"{secrets.randbelow(10**6):06}"
    codes = get_redis_connection("verify_codes")
    if not codes.set(f"send_flag_{mobile}", 1, nx=True, ex=60):
        return Response({"message": "发送过于频繁"}, status=400)
    codes.set(f"sms_{mobile}", code, ex=300)
    return Response({"message": "OK"})
