"""The base of all views that answer a signed-in person about their own account."""

from collections.abc import Collection
from typing import Any, ClassVar

from rest_framework.request import Request

from phonebind.api.base import View
from phonebind.lifecycle import people, step_up
from phonebind.lifecycle.people import Person


class AccountView(View):
    """``self.person`` is the owner of the token. Every other request gets 401 ``token_invalid``."""

    http_method_names = ("get", "post", "put", "delete")  # type: ignore[assignment]
    guarded: ClassVar[Collection[str]] = ("POST", "PUT", "DELETE")

    person: Person

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        self.person = people.of(request)
        self.note(user_id=self.person.user.pk)

    def require_step_up(self, *methods: str) -> str:
        """The method by which the person has passed step-up lately. Raises AuthenticationInsufficient."""
        return step_up.require(self.person, self.request.headers.get(step_up.HEADER, ""), *methods)
