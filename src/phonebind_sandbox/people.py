"""The people who can sign in. They are always the same, so a second sign-in of the same person can be tested."""

from dataclasses import dataclass
from hashlib import sha256

from .conf import App


@dataclass(frozen=True, slots=True)
class Person:
    id: str
    nickname: str
    gender: str
    zh: str
    en: str
    #: As in QQ's profile; the year is the year of birth. "" if the person has not given it.
    province: str = ""
    city: str = ""
    year: str = ""
    large_avatar: bool = True

    def openid(self, app: App) -> str:
        """The person's id for one app: 32 upper-case hexadecimal digits."""
        return digits("openid", self.id, app.client_id)

    def unionid(self, app: App) -> str:
        """The person's id for all apps of one developer: ``UID_`` and 32 digits."""
        return "UID_" + digits("unionid", self.id, app.developer)

    @property
    def weibo_uid(self) -> str:
        """The person's id at Weibo, the same for every app: 10 digits."""
        return str(10**9 + int(digits("weibo", self.id), 16) % (9 * 10**9))

    def alipay_open_id(self, app: App) -> str:
        """The person's id at Alipay for one app."""
        return "0" + digits("alipay open_id", self.id, app.client_id).lower()

    @property
    def alipay_user_id(self) -> str:
        """The person's id at Alipay, the same for every app: 16 digits."""
        return f"2088{int(digits('alipay user_id', self.id), 16) % 10**12:012}"

    def alipay_union_id(self, app: App) -> str:
        """The person's id at Alipay for all apps of one developer."""
        return "1" + digits("alipay union_id", self.id, app.developer).lower()

    def avatar(self, size: int) -> str:
        # Not https: the avatars in QQ's samples are http, and pages that show them must be able to handle this.
        return f"http://avatar.sandbox.invalid/{self.id}/{size}"


PEOPLE = {
    person.id: person
    for person in (
        Person("xiaolan", "小兰", "女", "普通用户", "an ordinary person", "广东", "深圳", "1990"),
        Person(
            "liming",
            "李明",
            "男",
            "没有 100 像素头像",
            "has no 100 px avatar",
            "北京",
            "海淀",
            "1996",
            large_avatar=False,
        ),
        Person("fox", "🦊阿狸✨", "女", "昵称带表情", "emoji in the nickname", "浙江", "杭州", "2004"),
        Person("nameless", "", "男", "昵称和资料为空", "empty nickname, and nothing else said"),
        Person(
            "bold", '<b>Bold</b> & "Co"', "男", "昵称像 HTML", "a nickname that looks like HTML", "四川", "成都", "1985"
        ),
        # A place abroad has no province.
        Person("sam", "Sam O'Neil", "男", "英文昵称", "an English nickname", "", "奥克兰", "1978"),
    )
}


def digits(*parts: str) -> str:
    return sha256("\0".join(parts).encode()).hexdigest()[:32].upper()
