from django.conf import settings
from django.db import models


class OAuthQQUser(models.Model):
    create_time = models.DateTimeField(auto_now_add=True)
    update_time = models.DateTimeField(auto_now=True)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    openid = models.CharField(max_length=64, db_index=True)

    class Meta:
        db_table = "tb_oauth_qq"
