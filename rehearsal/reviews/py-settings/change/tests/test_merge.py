import unittest

from conf.load import DEFAULTS, load
from conf.merge import merged


class Merge(unittest.TestCase):
    def test_each_by_itself(self):
        self.assertEqual(load({"log": {"level": "debug"}})["log"], {"level": "debug", "to": ["stderr"]})

    def test_lists_are_replaced(self):
        self.assertEqual(merged({"a": [1, 2]}, {"a": [3]}), {"a": [3]})

    def test_none_takes_away(self):
        self.assertEqual(merged({"a": 1, "b": {"c": 1}}, {"a": None, "b": {"c": None}}), {"b": {}})
        self.assertEqual(merged({}, {"a": {"b": None}}), {"a": {}})

    def test_nothing_is_changed(self):
        load({"log": {"to": ["file"]}})["log"]["to"].append("x")
        self.assertEqual(DEFAULTS["log"]["to"], ["stderr"])
