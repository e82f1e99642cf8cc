"""Signs people in in the tests of a host, without network, sandbox or SMS.

    class SignInTest(TestCase):
        def setUp(self):
            self.qq = self.enterContext(FakeQQ())

        def test_somebody_new(self):
            ticket = self.qq.arrive(self.client, Person(nickname="小明")).json()["access_token"]

QQ is a server on the loopback in this process, and SMS go to a list. Everything between them is the real product, so it
needs the Valkey or Redis that the settings name. Importing this module changes nothing. Nothing in it works outside of
a test run.
"""

from phonebind.testing.edge import Person
from phonebind.testing.fake import FakeQQ

__all__ = ["FakeQQ", "Person"]
