import re

from phonebind_sandbox.conf import App, apps
from phonebind_sandbox.people import PEOPLE


def test_a_person_is_the_same_for_ever() -> None:
    # Literal values: if a person changed with a new version, they could not be the returning user of an old database.
    app = apps()["101000001"]
    assert PEOPLE["xiaolan"].openid(app) == "F4AB9E5E60AC3939C5661C0D357B188D"
    assert PEOPLE["xiaolan"].unionid(app) == "UID_D7CCEE7F188DB625A1C239606A4AD088"


def test_ids_have_the_providers_form_and_are_nobody_elses() -> None:
    ids = [(person.openid(app), person.unionid(app)) for app in apps("qq").values() for person in PEOPLE.values()]
    assert all(re.fullmatch(r"[0-9A-F]{32}", openid) for openid, _ in ids)
    assert all(re.fullmatch(r"UID_[0-9A-F]{32}", unionid) for _, unionid in ids)
    assert len({openid for openid, _ in ids}) == len(apps("qq")) * len(PEOPLE)
    assert len({unionid for _, unionid in ids}) == len(PEOPLE)


def test_a_person_has_another_unionid_with_another_developer() -> None:
    person = PEOPLE["sam"]
    assert person.unionid(App("1", "s", developer="ours")) != person.unionid(App("2", "s", developer="theirs"))


def test_the_nicknames_are_the_awkward_ones() -> None:
    nicknames = {person.nickname for person in PEOPLE.values()}
    assert {"小兰", "🦊阿狸✨", "", '<b>Bold</b> & "Co"'} <= nicknames
