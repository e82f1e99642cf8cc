"""Bind QQ to the account of somebody who is signed in, whichever way they came.

QQ sends all browsers to one address, ``/login/qq/callback/``. The session knows which of them came to bind.
"""

import secrets

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from phonebind import binding, oauth
from phonebind.exceptions import PhonebindError
from phonebind.pages import views as pages

STATE = "bind_qq_state"


@require_POST
@login_required
def bind(request):
    """Off to QQ. Only this browser, while this account is signed in, can bring the state back."""
    state = request.session[STATE] = secrets.token_hex(16)
    return redirect(oauth.web("qq").login_url(state))


def callback(request):
    """Back from QQ. Who did not come from :func:`bind` is signing in: phonebind goes on."""
    expected = request.session.get(STATE)
    if expected is None or request.GET.get("state") != expected or not request.user.is_authenticated:
        return pages.callback(request, provider="qq")
    del request.session[STATE]
    try:
        _attach(request)
    except PhonebindError as error:  # turned back, code used, QQ is down, bound to somebody else
        messages.error(request, error.message)
    else:
        messages.success(request, _("QQ is bound. From now on you can sign in with it."))
    return redirect("account")


def _attach(request):
    provider = oauth.web("qq")
    if "code" not in request.GET:
        raise provider.refusal(request.GET.get("error", ""))
    identity, _known = binding.identify(provider, lambda: provider.exchange(request.GET["code"]), adopt=False)
    binding.attach(request, identity, request.user)
