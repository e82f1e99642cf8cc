"""The proof that is asked for before an act. It is asked for at the address of the act."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth import get_user_model

from phonebind.lifecycle import proofs
from phonebind.lifecycle.models import Session
from phonebind.models import SocialAccount
from tests.lifecycle.conftest import MOBILE, PASSWORD
from tests.lifecycle.pages.conftest import Owner, bind, later
from tests.oauth.drivers import wechat_oa, wechat_web
from tests.pages.conftest import SecureClient
from tests.support import ways
from tests.support.edge import OPENID, Configure, Outbox, Upstream

pytestmark = pytest.mark.django_db(transaction=True)

ASKED = "Confirm that it is you"
OTHER_QQ = "F" * 32


@pytest.fixture
def page(person: Any) -> str:
    """The page of an act that accepts any step-up method."""
    bind(person, "W" * 32, "weibo", "100000001")
    return f"/my/identities/{SocialAccount.objects.get(openid=OPENID).pk}/"


def go(owner: Owner, url: str) -> str:
    """The state in the request to QQ."""
    answer = owner.http.get(url)
    assert answer.status_code == 303, answer.content.decode()
    return str(answer["Location"].split("state=")[1].split("&")[0])


def is_asked(owner: Owner, url: str) -> bool:
    return ASKED in owner.read(url)


def test_who_has_just_signed_in_is_not_asked(owner: Owner, page: str) -> None:
    assert not is_asked(owner, page)
    with later():
        assert is_asked(owner, page)


def test_by_sms_to_ones_own_number(owner: Owner, page: str) -> None:
    with later():
        html = owner.read(page)
        assert "139****0001" in html
        assert MOBILE not in html
        answer = owner.confirm_by_sms(page)
        assert (answer.status_code, answer["Location"]) == (303, page)
        assert (Outbox.sent[-1].mobile, Outbox.sent[-1].purpose) == (MOBILE, "verify")
        # The step-up is also valid for the next acts.
        assert not is_asked(owner, page)
        assert not is_asked(owner, "/my/mobile/")
    with later(1300):
        assert is_asked(owner, page)


def test_a_wrong_code_is_told_beside_its_field(owner: Owner, page: str) -> None:
    with later():
        form = owner.form(page)
        assert owner.send_code(page, form).status_code == 200
        wrong = f"{(int(owner.sms_code()) + 1) % 1_000_000:06}"
        answer = owner.submit(page, form | {"action": "sms", "sms_code": wrong})
        assert answer.status_code == 400
        assert "Wrong SMS code" in answer.content.decode()
        told = owner.submit(page, form | {"action": "sms", "sms_code": wrong}, script=True)
        assert told.json()["errors"].keys() == {"sms_code"}
        right = owner.submit(page, form | {"action": "sms", "sms_code": owner.sms_code()}, script=True)
        assert right.json() == {"location": page}


def test_by_password(owner: Owner, page: str, phonebind: Configure) -> None:
    with later():
        assert f'href="{page}?by=password"' in owner.read(page)
        form = owner.form(f"{page}?by=password")
        assert (form["step"], "text" in form, "sms_code" in form) == ("password", False, False)
        wrong = owner.submit(page, form | {"action": "password", "password": "not-mine-8"})
        assert "Wrong password" in wrong.content.decode()
        assert f'href="{page}?by=sms"' in wrong.content.decode()
        assert owner.confirm_by_password(page)["Location"] == page
        assert not is_asked(owner, page)
        # The page shows no part of the old number.
        assert is_asked(owner, "/my/mobile/")


def test_guesses_at_the_password_are_few(owner: Owner, page: str, phonebind: Configure) -> None:
    with later():
        form = owner.form(f"{page}?by=password") | {"action": "password", "password": "not-mine-8"}
        for _ in range(12):
            answer = owner.submit(page, form)
        assert answer.status_code == 429
        assert "Too many wrong attempts" in answer.content.decode()


def test_by_a_provider(owner: Owner, page: str) -> None:
    with later():
        link = f"/my/verification/qq/?next={page.replace('/', '%2F')}"
        assert link in owner.read(page)
        state = go(owner, link)
        answer = owner.come_back(state)
        assert (answer.status_code, answer["Location"]) == (303, page)
        assert not is_asked(owner, page)
        # A reload leads there again, and shows no message a second time.
        sent = owner.come_back(state)["Location"]
        assert owner.http.get(sent)["Location"] == page


def test_only_what_is_bound_is_offered(owner: Owner, person: Any, page: str) -> None:
    SocialAccount.objects.filter(openid=OPENID).update(app_id="101000009")
    with later():
        assert "/my/verification/" not in owner.read("/my/identities/bind/qq/")


def test_threat_23_a_provider_that_confirms_somebody_else_confirms_nothing(
    owner: Owner, page: str, stranger: Any, qq: Upstream
) -> None:
    bind(stranger, OTHER_QQ)
    with later():
        for openid in (OTHER_QQ, "E" * 32):
            qq.person(openid=openid)
            answer = owner.come_back(go(owner, f"/my/verification/qq/?next={page}"))
            assert answer["Location"] == page
            html = owner.read(page)
            assert ASKED in html
            assert "This QQ is not bound to your account." in html
    assert SocialAccount.objects.filter(user=stranger).count() == 1


def test_who_turns_back_at_the_provider_is_told(owner: Owner, page: str, qq: Upstream) -> None:
    with later():
        state = go(owner, f"/my/verification/qq/?next={page}")
        answer = owner.http.get("/login/qq/callback/", {"state": state, "usercancel": "1"})
        assert answer["Location"] == page
        html = owner.read(page)
        assert "QQ did not confirm that it is you. Nothing was changed." in html
        assert ASKED in html


def test_a_provider_that_is_down_leaves_the_state_good(owner: Owner, page: str, qq: Upstream) -> None:
    with later():
        state = go(owner, f"/my/verification/qq/?next={page}")
        qq.answer("/oauth2.0/token", b"", status=500)
        answer = owner.come_back(state)
        assert answer.status_code == 503
        assert f'href="{page}"' in answer.content.decode()
        qq.person()
        assert owner.come_back(state)["Location"] == page
        assert not is_asked(owner, page)


def test_a_code_that_is_refused_is_told(owner: Owner, page: str, qq: Upstream) -> None:
    with later():
        state = go(owner, f"/my/verification/qq/?next={page}")
        qq.answer("/oauth2.0/token", {"error": 100019, "error_description": "code to access token error"})
        assert owner.come_back(state)["Location"] == page
        assert "has expired or was already used" in owner.read(page)


def test_a_provider_that_refuses_us_is_told_as_down(owner: Owner, page: str) -> None:
    with later():
        state = go(owner, f"/my/verification/qq/?next={page}")
        answer = owner.http.get("/login/qq/callback/", {"state": state, "error": "100008"})
        assert answer.status_code == 503
        assert f'href="{page}"' in answer.content.decode()


def test_a_callback_that_comes_twice_at_once_is_told_once(owner: Owner, page: str, qq: Upstream) -> None:
    """Some in-app browsers load an address twice. The second request still has the cookie of the state, but its code
    is used up.
    """
    with later():
        state = go(owner, f"/my/verification/qq/?next={page}")
        [(name, value)] = [(name, it.value) for name, it in owner.http.cookies.items() if "_flow_" in name and it.value]
        owner.come_back(state)
        owner.http.cookies[name] = value
        qq.answer("/oauth2.0/token", {"error": 100020, "error_description": "code is reused error"})
        assert owner.come_back(state)["Location"] == page
        html = owner.read(page)
        assert "already used" not in html
        assert ASKED not in html


def test_a_qr_code_in_a_page_of_ours(owner: Owner, person: Any, page: str, phonebind: Configure) -> None:
    entry = {**wechat_web.DRIVER.settings, "embedded": True}
    owner.http.defaults["HTTP_USER_AGENT"] = ways.DESKTOP
    owner.read("/my/")
    phonebind.settings.PHONEBIND = {**phonebind.settings.PHONEBIND, "PROVIDERS": {"wechat_web": entry}}
    assert 'href="/my/identities/bind/wechat_web/"' in owner.read("/my/")
    for url in ("/my/identities/bind/wechat_web/", "/my/verification/wechat_web/"):
        answer = owner.http.get(url)
        assert "data-options" in answer.content.decode()
        assert "https://res.wx.qq.com" in answer["Content-Security-Policy"]


def test_nobody_is_sent_to_a_provider_by_another_site_or_on_to_one(owner: Owner, page: str) -> None:
    link = f"/my/verification/qq/?next={page}"
    sent = owner.http.get(link, headers={"sec-fetch-site": "cross-site"})
    assert (sent.status_code, sent["Location"]) == (303, "/my/")
    assert owner.http.get("/my/verification/qq/?next=https://evil.example/").status_code == 400
    assert owner.http.get("/my/verification/nobody/").status_code == 404


def test_threat_24_what_a_state_was_made_for_is_all_that_it_does(
    owner: Owner, person: Any, page: str, stranger: Any, browser: Callable[[], Owner], qq: Upstream
) -> None:
    with later():
        # A state for a step-up: it binds nothing, and signs nobody in.
        state = go(owner, f"/my/verification/qq/?next={page}")
        qq.person(openid=OTHER_QQ)
        owner.come_back(state)
        assert SocialAccount.objects.filter(openid=OTHER_QQ).count() == 0
        # A state for a sign-in: it is no step-up.
        qq.person()
        assert is_asked(owner, page)
        state = owner.start()["state"]
        owner.http.get("/login/qq/callback/", {"state": state, "usercancel": "1"})
        assert is_asked(owner, page)
        # In another session of the same browser, the state is no step-up.
        state = go(owner, f"/my/verification/qq/?next={page}")
        owner.http.session.flush()
        owner.http.force_login(stranger)
        answer = owner.come_back(state)
        assert "/bind/" in answer["Location"]
        assert owner.http.get(answer["Location"]).status_code == 400
        assert owner.http.session["_auth_user_id"] == str(stranger.pk)
        assert is_asked(owner, "/my/mobile/")


def test_threat_23_a_proof_is_worth_nothing_in_another_session(owner: Owner, page: str, person: Any) -> None:
    with later():
        owner.confirm_by_password(page)
        proof = owner.http.session["phonebind_verification"]
        owner.http.logout()
        owner.http.force_login(person)
        session = owner.http.session
        session["phonebind_verification"] = proof
        session.save()
        assert is_asked(owner, page)


def test_a_number_in_doubt_gets_no_code(owner: Owner, person: Any, page: str) -> None:
    """The number may have a new owner."""
    with later():
        proofs.record(person, MOBILE, "sms", doubtful=True)
        form = owner.form(page)
        assert form["step"] == "password"
        asked = form | {"step": "sms", "action": "send_code", "text": "x", "image_code_id": ""}
        owner.submit(page, asked)
        owner.submit(page, form | {"step": "sms", "action": "sms", "sms_code": "123456"})
        assert not Outbox.sent
        assert is_asked(owner, page)


def test_who_has_shown_it_in_another_tab_goes_on(owner: Owner, page: str) -> None:
    with later():
        form = owner.form(page)
        owner.confirm_by_password(page)
        for script in (False, True):
            answer = owner.submit(page, form | {"action": "send_code"}, script=script)
            assert (answer.json()["location"] if script else answer["Location"]) == page
        assert not Outbox.sent


def test_threat_23_no_act_is_reached_around_it(owner: Owner, person: Any, page: str, phonebind: Configure) -> None:
    """The form of an act whose step-up has expired meanwhile, or was never done."""
    forms = {page: owner.form(page) | {"action": "unbind"}}
    Session.objects.update(method="sms")
    new = {"mobile": "13900000009", "sms_code": "123456"}
    forms |= {url: owner.form(url) | {"action": "change", **new} for url in ("/my/mobile/",)}
    forms["/my/mobile/lost/"] = forms["/my/mobile/"]
    forms["/my/password/forgotten/"] = owner.form("/my/password/forgotten/") | {"password": "another-horse-9"}
    with later():
        for url, form in forms.items():
            answer = owner.submit(url, form)
            assert (answer.status_code, answer["Location"]) == (303, url)
            told = owner.submit(url, form, script=True).json()
            assert told["code"] == "insufficient_user_authentication"
            assert is_asked(owner, url)
        asked = forms["/my/mobile/"] | {"action": "send_code"}
        text = owner.look(asked["image_code_id"])
        assert owner.submit("/my/mobile/", asked | {"text": text}).status_code == 303
    assert not Outbox.sent
    person.refresh_from_db()
    assert person.mobile == MOBILE
    assert person.check_password(PASSWORD)
    assert SocialAccount.objects.filter(openid=OPENID).exists()


@pytest.mark.parametrize("action", ["image", "garbage", "unbind", "set", "change", "receipt", "human_check", ""])
def test_nor_is_the_page_of_one(owner: Owner, page: str, action: str) -> None:
    """No button of the act's page gets around the step-up, and no invalid form does."""
    form = {"seal": owner.form("/my/")["seal"], "action": action}
    with later():
        for url in (page, "/my/identities/bind/qq/", "/my/mobile/", "/my/mobile/lost/", "/my/password/forgotten/"):
            answer = owner.submit(url, form)
            if action != "human_check":
                assert (answer.status_code, answer["Location"]) == (303, url)
            assert "<form" not in answer.content.decode()
            assert not [name for name in answer.cookies if "_flow_" in name]


def test_who_has_no_way_to_confirm_is_told_what_to_do(owner: Owner, person: Any) -> None:
    model: Any = get_user_model()
    other = model.objects.create_user(username="root")
    owner.http.logout()
    owner.http.force_login(other)
    html = owner.read("/my/password/")
    assert "Please contact us, and stay signed in" in html
    assert "<form" not in html


def test_who_has_lost_the_only_way_they_have_is_not_sent_out(owner: Owner, person: Any) -> None:
    """A person cannot sign in again by a number that is lost."""
    SocialAccount.objects.filter(user=person).update(user=get_user_model().objects.create_user(username="other"))
    person.set_unusable_password()
    person.save()
    owner.http.logout()
    owner.http.force_login(person)
    html = owner.read("/my/mobile/lost/")
    assert "Please contact us, and stay signed in" in html
    assert "sign out" not in html
    proofs.record(person, MOBILE, "sms", doubtful=True)
    assert "try again in some days" in owner.read("/my/mobile/lost/")


def test_who_has_a_provider_that_works_elsewhere_is_told_where(owner: Owner, person: Any, phonebind: Configure) -> None:
    entry = wechat_oa.DRIVER.settings
    phonebind.settings.PHONEBIND = {**phonebind.settings.PHONEBIND, "PROVIDERS": {"wechat_oa": entry}}
    SocialAccount.objects.filter(user=person).update(provider="wechat", app_id=entry["client_id"])
    person.set_unusable_password()
    person.save()
    owner.http.logout()
    owner.http.force_login(person)
    html = owner.read("/my/mobile/lost/")
    assert "where you can sign in with WeChat" in html
    assert "Back to my account" in html


def test_who_has_providers_alone_is_led_to_them(owner: Owner, person: Any) -> None:
    person.mobile = None
    person.set_unusable_password()
    person.save()
    owner.sign_in_by_qq()
    with later():
        html = owner.read("/my/password/")
        assert "Confirm with QQ" in html
        assert "<form" not in html
        form = {"seal": owner.form("/my/")["seal"], "step": "sms"}
        assert owner.submit("/my/password/", form).status_code == 200


def test_over_https(person: Any, page: str, browser: Callable[..., Owner]) -> None:
    one = browser(SecureClient)
    one.sign_in_by_qq()
    with later():
        assert one.confirm_by_password(page).status_code == 303
        assert not is_asked(one, page)
