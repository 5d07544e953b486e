import unittest

from shop.orders import orders

STORE = [{"customer": "ann", "at": at} for at in range(3)] + [{"customer": "ben", "at": 9}]


class Orders(unittest.TestCase):
    def test_newest_first(self):
        self.assertEqual([order["at"] for order in orders(STORE, "ann")], [2, 1, 0])
