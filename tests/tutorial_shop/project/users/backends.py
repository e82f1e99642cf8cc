import re

from django.contrib.auth.backends import ModelBackend

from users.models import User


class UsernameMobileAuthBackend(ModelBackend):
    def authenticate(self, request, username=None, password=None, **kwargs):
        field = "mobile" if re.fullmatch(r"1[3-9]\d{9}", username or "") else "username"
        user = User.objects.filter(**{field: username}).first()
        return user if user and user.check_password(password) and self.user_can_authenticate(user) else None
