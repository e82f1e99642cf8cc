from rest_framework.generics import RetrieveAPIView
from rest_framework.serializers import ModelSerializer

from shop.models import User


class MeSerializer(ModelSerializer):
    class Meta:
        model = User
        fields = ["id", "username", "mobile"]


class MeView(RetrieveAPIView):
    """Who is signed in. It stands for all that your shop shows to people with an account."""

    serializer_class = MeSerializer

    def get_object(self):
        return self.request.user
