"""The page of faults says what the table says."""

from tools.fault_page import PAGE, page


def test_the_page_is_that_of_the_table() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "make docs writes it anew"
