"""The list of events keeps its pace however many there are: it never counts them all."""

import functools
from typing import Any

from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.core.validators import validate_ipv46_address
from django.db.models import Q
from django.http import HttpRequest

from phonebind import accounts, limits, mobiles
from phonebind.exceptions import StorageUnavailable, TooManyRequests
from phonebind.operations.events import mobile_hashes, recording, words

#: How far one can turn the pages. Whoever wants more narrows the search.
MOST = 2_000
#: The permission to see whole numbers.
SEE_MOBILE = "phonebind_operations.see_mobile"


class BoundedPaginator(Paginator):  # type: ignore[type-arg]
    """Counts no further than ``MOST``."""

    @functools.cached_property
    def count(self) -> int:
        rows: Any = self.object_list
        return int(rows.order_by()[:MOST].count())


class BoundedList(ChangeList):
    """Offers to show all only where something was searched for: else it would lead to where one is."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        if not self.query:
            self.full_result_count = self.result_count


def search(term: str) -> Q:
    """Events of a whole mobile or username, a user's key, an address or a request's id."""
    if _is_address(term):
        return Q(address=limits.counted_as(term)) | Q(address=term)
    mobile = mobiles.clean(term)
    # An index answers each of them: of operators' acts there are few. Without one the whole table would be read.
    found = Q(request_id=term) | Q(user_id=term) | Q(type=words.OPERATOR, actor_id=term)
    user = accounts.by_login(term)
    if user is not None:
        found |= Q(user_id=recording.user_id(user.pk))
    if mobiles.is_mobile(mobile):
        found |= Q(mobile_hmac__in=mobile_hashes.known(mobile))
    return found


def may_search(operator: Any, term: str) -> bool:
    """Whether this operator may search for it. Who sees masked numbers alone could otherwise try all that one may be.

    Counts it, where it is a mobile.
    """
    if operator.has_perm(SEE_MOBILE) or not mobiles.is_mobile(mobiles.clean(term)):
        return True
    try:
        limits.take(("operator_search_hour", str(operator.pk)))
    except TooManyRequests:
        return False
    except StorageUnavailable:
        pass  # just then people call, and operators must find them
    return True


def _is_address(term: str) -> bool:
    try:
        validate_ipv46_address(term.partition("/")[0])
    except ValidationError:
        return False
    return True
