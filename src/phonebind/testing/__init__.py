"""Signs people in in a host's own tests, without network, sandbox and SMS.

    class SignInTest(TestCase):
        def setUp(self):
            self.qq = self.enterContext(FakeQQ())

        def test_somebody_new(self):
            ticket = self.qq.arrive(self.client, Person(nickname="小明")).json()["access_token"]

QQ is a server of this process on the loopback, and the SMS go to a list; everything between is the product itself, and
so it needs the Valkey or Redis that the settings name. Importing this module changes nothing. Outside of a test run
nothing in it works.
"""

from phonebind.testing.edge import Person
from phonebind.testing.fake import FakeQQ

__all__ = ["FakeQQ", "Person"]
