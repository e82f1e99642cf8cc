from django_redis import get_redis_connection
from rest_framework import serializers

from users.models import User
from users.tokens import create_token


class CreateUserSerializer(serializers.ModelSerializer):
    password2 = serializers.CharField(write_only=True)
    sms_code = serializers.CharField(write_only=True)
    allow = serializers.CharField(write_only=True)
    token = serializers.CharField(read_only=True)

    class Meta:
        model = User
        fields = ("id", "username", "password", "password2", "sms_code", "mobile", "allow", "token")
        extra_kwargs = {"password": {"write_only": True, "min_length": 8, "max_length": 20}}

    def validate(self, data):
        if data["password"] != data["password2"]:
            raise serializers.ValidationError("两次密码不一致")
        if data["allow"] != "true":
            raise serializers.ValidationError("请同意用户协议")
        stored = get_redis_connection("verify_codes").get(f"sms_{data['mobile']}")
        if stored is None or stored.decode() != data["sms_code"]:
            raise serializers.ValidationError("短信验证码错误")
        return data

    def create(self, data):
        user = User.objects.create_user(data["username"], password=data["password"], mobile=data["mobile"])
        user.token = create_token(user)
        return user
