"""Tests of how texts of strangers are shown."""

import unittest

from operate.quoting import quoted


class QuotedTest(unittest.TestCase):
    def test_what_people_can_read_stays(self) -> None:
        self.assertEqual(quoted("order-42 好 é 😀", 99), '"order-42 好 é 😀"')

    def test_nothing_ends_the_quotes(self) -> None:
        self.assertEqual(quoted('x" (all is well)\\', 99), '"x\\" (all is well)\\\\"')

    def test_a_terminal_gets_no_commands_and_no_lines(self) -> None:
        for text in (
            "\x1b[2J",
            "\r\n",
            "\x00",
            "\x7f",
            "\x9b31m",
            "\u2028",
            "\u202e",
            "\u200b",
            "\ufeff",
            "\ud800",
            "\U000e0041",
        ):
            shown = quoted(text, 99)
            self.assertTrue(shown.isascii() and shown.isprintable(), ascii(text))
            self.assertIn(f"{ord(text[0]):04x}", shown)

    def test_nothing_changes_the_order_of_the_line(self) -> None:
        self.assertTrue(quoted("אב اب ١", 99).isascii())

    def test_a_long_text_is_cut_and_says_so(self) -> None:
        self.assertEqual(quoted("x" * 1010, 3), '"xxx" and 1,007 more characters')
        self.assertEqual(quoted("xxx", 3), '"xxx"')
        self.assertLess(len(quoted("\x00" * 9999, 64)), 500)


if __name__ == "__main__":
    unittest.main()
