import unittest

from shop.paging import page_of

TEN = list(range(10))


class Paging(unittest.TestCase):
    def test_pages(self):
        self.assertEqual(page_of(TEN, 1, 4)["items"], [0, 1, 2, 3])
        self.assertEqual(page_of(TEN, 3, 4)["items"], [8, 9])

    def test_next(self):
        self.assertTrue(page_of(TEN, 2, 4)["has_next"])
        self.assertFalse(page_of(TEN, 3, 4)["has_next"])

    def test_behind_the_last(self):
        self.assertEqual(page_of(TEN, 9, 4)["items"], [])

    def test_no_page(self):
        with self.assertRaises(ValueError):
            page_of(TEN, 0)
        with self.assertRaises(ValueError):
            page_of(TEN, 1, 101)
