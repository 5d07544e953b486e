import unittest

from conf.load import load


class Load(unittest.TestCase):
    def test_own_first(self):
        self.assertEqual(load({"port": 1})["port"], 1)
        self.assertEqual(load({})["port"], 8080)
