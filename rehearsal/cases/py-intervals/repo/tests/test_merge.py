import unittest

from intervals import free, merge


class Merge(unittest.TestCase):
    def test_joins_what_overlaps_and_what_touches(self):
        self.assertEqual(merge([(5, 7), (1, 3), (3, 4), (6, 9)]), [(1, 4), (5, 9)])

    def test_leaves_apart_what_is(self):
        self.assertEqual(merge([(1, 2), (3, 4)]), [(1, 2), (3, 4)])


class Free(unittest.TestCase):
    def test_is_what_is_between(self):
        self.assertEqual(free([(2, 3), (5, 6)], 0, 8), [(0, 2), (3, 5), (6, 8)])
