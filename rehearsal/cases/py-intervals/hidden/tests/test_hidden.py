import unittest

from intervals import free, merge


class Hidden(unittest.TestCase):
    def test_what_lies_within_another_changes_nothing(self):
        self.assertEqual(merge([(8, 12), (9, 10)]), [(8, 12)])
        self.assertEqual(merge([(1, 10), (2, 3), (4, 5), (9, 11)]), [(1, 11)])
        self.assertEqual(free([(8, 12), (9, 10)], 8, 18), [(12, 18)])

    def test_only_the_time_that_is_looked_at_counts(self):
        self.assertEqual(free([(6, 9)], 8, 18), [(9, 18)])
        self.assertEqual(free([(6, 7)], 8, 18), [(8, 18)])
        self.assertEqual(free([(16, 20)], 8, 18), [(8, 16)])
        self.assertEqual(free([(20, 22)], 8, 18), [(8, 18)])
        self.assertEqual(free([(6, 20)], 8, 18), [])

    def test_what_has_no_length_holds_nothing(self):
        self.assertEqual(free([(9, 9)], 8, 18), [(8, 18)])
        self.assertEqual(merge([(3, 3)]), [])
