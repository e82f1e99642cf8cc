from django.contrib.auth.decorators import login_required
from django.shortcuts import render


def index(request):
    return render(request, "shop/index.html")


@login_required
def account(request):
    """What either library knows of the account. Their models have the same name and live side by side."""
    context = {
        "bound": request.user.social_accounts.order_by("created_at"),  # phonebind: QQ, WeChat, ...
        "connected": request.user.socialaccount_set.order_by("date_joined"),  # allauth: Google, GitHub, ...
    }
    return render(request, "shop/account.html", context)
