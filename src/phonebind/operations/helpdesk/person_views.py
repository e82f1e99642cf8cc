"""A person's page in the admin, and the acts on it. A GET request changes nothing. Each act has its own form with a
reason.
"""

import logging
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.debug import sensitive_post_parameters

from phonebind import accounts, audit, masking
from phonebind.exceptions import PhonebindError, StorageUnavailable
from phonebind.operations.events import listing
from phonebind.operations.helpdesk import account, operator_acts, people
from phonebind.operations.helpdesk.act_list import ACTS, Act, form_of

FIND, PAGE, ACT = (f"phonebind_operations_{name}" for name in ("find", "person", "act"))

#: Messages for the operator in place of those for the person.
_SAID = {
    "last_way_in": _("It is the last way into this account. Nothing was changed."),
    "mobile_kept": _("The account must have a number. Nothing was changed."),
    "not_found": _("It is not there any more. Nothing was changed."),
}

#: For an operator who may not see whole numbers and has searched for 100 within an hour.
TOO_MANY = _("You have searched for many numbers within an hour. Search by a username or user id, or come back later.")

logger = logging.getLogger(__name__)


def page_url(pk: Any) -> str:
    """The URL of the page of this user."""
    return reverse(f"admin:{PAGE}", args=[str(pk)])


@sensitive_post_parameters("term")
def find(request: HttpRequest, admin: Any) -> HttpResponse:
    """The search form. It uses POST, so that no number appears in a URL, in a log or in the browser's history."""
    _check_view(request, admin)
    term = request.POST.get("term", "").strip()
    if request.method == "POST" and term and not listing.may_search(request.user, term):
        messages.error(request, TOO_MANY)
    elif request.method == "POST" and term:
        user = people.find(term)
        if user is not None:
            return HttpResponseRedirect(page_url(user.pk))
        messages.warning(request, _("No person has this mobile number, username or id."))
    return _render(request, admin, "find", {"title": _("Find a person")})


def show(request: HttpRequest, admin: Any, pk: str) -> HttpResponse:
    """The page of one person."""
    _check_view(request, admin)
    user = _user(pk)
    mobile = accounts.mobile_of(user)
    sees_all = request.user.has_perm(listing.SEE_MOBILE)
    acts_here = {name: act.is_allowed(request.user) for name, act in ACTS.items()}
    context = {
        "title": str(_("Person %(name)s") % {"name": people.shown_name(user)}),
        "person": user,
        "name": people.shown_name(user),
        "mobile": mobile if sees_all else masking.mobile(mobile),
        "overview": people.overview(user),
        "keeps": account.known.keeps,
        "may": {name.replace("-", "_"): allowed for name, allowed in acts_here.items()}
        if operator_acts.may_act(request.user, user)
        else {},
        "untouchable": not operator_acts.may_act(request.user, user) and any(acts_here.values()),
        "user_url": _user_admin_url(request, user),
    }
    return _render(request, admin, "person", context)


def act(request: HttpRequest, admin: Any, pk: str, act: str) -> HttpResponse:
    """The form of one act. A POST request carries out the act."""
    _check_view(request, admin)
    chosen, user = ACTS.get(act), _user(pk)
    if chosen is None or (act == "release" and not account.known.keeps):
        raise Http404
    if not chosen.is_allowed(request.user) or not operator_acts.may_act(request.user, user):
        raise PermissionDenied
    form_class = form_of(chosen, request.user)
    if request.method != "POST":
        form = form_class(initial={name: request.GET[name] for name in ("identity", "limit") if name in request.GET})
    else:
        form = form_class(request.POST)
        if form.is_valid():
            answer = _carry_out(request, user, chosen, form)
            if answer is not None:
                return answer
    about = chosen.about(user, request.GET if request.method == "GET" else request.POST)
    context = {"title": chosen.title, "act": chosen, "form": form, "person": user, "about": about}
    context["name"] = people.shown_name(user)
    return _render(request, admin, "act", context)


def _carry_out(request: HttpRequest, user: Any, act: Act, form: Any) -> HttpResponse | None:
    """Carry out the act. Returns None if it was refused; then the form contains the error."""
    order = operator_acts.Order(request, user, form.cleaned_data["reason"])
    try:
        act.do(order, form.cleaned_data)
    except PhonebindError as error:
        form.add_error(None, str(_SAID.get(error.code, error.message)))
        return None
    except (OperationalError, IntegrityError):
        logger.exception("An act of an operator was not carried out")
        form.add_error(None, str(StorageUnavailable.message))
        return None
    messages.success(request, str(act.done))
    answer = HttpResponseRedirect(page_url(user.pk))
    audit.write(request, answer)
    return answer


def _check_view(request: HttpRequest, admin: Any) -> None:
    if not admin.has_view_permission(request):
        raise PermissionDenied


def _user(pk: str) -> Any:
    user = people.by_key(pk)
    if user is None:
        raise Http404
    return user


def _user_admin_url(request: HttpRequest, user: Any) -> str:
    """The URL of the user in the host's admin. "" if the operator may not see it, or it does not exist."""
    meta = user._meta
    if not request.user.has_perm(f"{meta.app_label}.view_{meta.model_name}"):
        return ""
    try:
        return reverse(f"admin:{meta.app_label}_{meta.model_name}_change", args=[user.pk])
    except NoReverseMatch:
        return ""


def _render(request: HttpRequest, admin: Any, name: str, context: dict[str, Any]) -> TemplateResponse:
    shared = {**admin.admin_site.each_context(request), "opts": admin.model._meta, "urls": (FIND, PAGE, ACT)}
    return TemplateResponse(request, f"admin/phonebind_operations/{name}.html", {**shared, **context})
