"""The list of events. It never counts all events, so its speed does not depend on their number."""

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

#: How many rows the pages can reach. To see older rows, the operator narrows the search.
MOST = 2_000
#: The permission to see whole mobile numbers.
SEE_MOBILE = "phonebind_operations.see_mobile"


class BoundedPaginator(Paginator):  # type: ignore[type-arg]
    """A paginator that stops counting at ``MOST`` rows."""

    @functools.cached_property
    def count(self) -> int:
        rows: Any = self.object_list
        return int(rows.order_by()[:MOST].count())


class BoundedList(ChangeList):
    """Offers the link to all rows only during a search. Without a search the link would lead to the current page."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        if not self.query:
            self.full_result_count = self.result_count


def search(term: str) -> Q:
    """A filter for events by a whole mobile number, a username, a user id, an address or a request id."""
    if _is_address(term):
        return Q(address=limits.counted_as(term)) | Q(address=term)
    mobile = mobiles.clean(term)
    # Each condition uses an index. Events of operators are few. One condition without an index would read the whole
    # table.
    found = Q(request_id=term) | Q(user_id=term) | Q(type=words.OPERATOR, actor_id=term)
    user = accounts.by_login(term)
    if user is not None:
        found |= Q(user_id=recording.user_id(user.pk))
    if mobiles.is_mobile(mobile):
        found |= Q(mobile_hmac__in=mobile_hashes.known(mobile))
    return found


def may_search(operator: Any, term: str) -> bool:
    """Whether this operator may search for the term. A search for a mobile number is counted.

    Without this limit, an operator who may only see masked numbers could find a whole number by trying all possible
    numbers.
    """
    if operator.has_perm(SEE_MOBILE) or not mobiles.is_mobile(mobiles.clean(term)):
        return True
    try:
        limits.take(("operator_search_hour", str(operator.pk)))
    except TooManyRequests:
        return False
    except StorageUnavailable:
        pass  # During an outage customers call, and operators must be able to find them
    return True


def _is_address(term: str) -> bool:
    try:
        validate_ipv46_address(term.partition("/")[0])
    except ValidationError:
        return False
    return True
