from html import unescape

from django.test import Client
from django.urls import reverse

from phonebind_sandbox.conf import apps
from phonebind_sandbox.people import PEOPLE


def test_image_codes_have_an_address_where_there_are_any(client: Client, form: str) -> None:
    page = client.get(reverse("phonebind_sandbox:index")).content.decode()
    assert ("/image_codes/" in page) is (form == "mounted")


def test_the_front_door_shows_people_apps_and_addresses(client: Client) -> None:
    page = unescape(client.get(reverse("phonebind_sandbox:index")).content.decode())
    for app in apps().values():
        assert app.client_id in page
        assert app.secret in page
    for person in PEOPLE.values():
        assert person.nickname in page
        assert person.openid(apps()["101000001"]) in page
    assert "http://testserver" + reverse("phonebind_sandbox:sms") in page
    assert "http://testserver" + reverse("phonebind_sandbox:index") + "qq<" in page
