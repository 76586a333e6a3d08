"""Every command of the pages stands in docs/commands.md, with the test that runs it or why none does."""

from tests.docs.pages import NOT_RUN, ROOT, commands_of, listed, pages


def test_the_list_has_every_command_in_the_order_of_its_page_and_no_other() -> None:
    written = [(str(page.relative_to(ROOT)), command) for page in pages() for command in commands_of(page)]
    assert [(row.page, row.command) for row in listed()] == written


def test_each_is_run_by_a_test_that_is_there_or_says_why_not() -> None:
    for row in listed():
        if row.is_run:
            assert (ROOT / row.run_by).is_file(), row
        else:
            assert len(row.run_by) > len(f"{NOT_RUN}: "), row


def test_most_of_them_are_run() -> None:
    rows = listed()
    assert sum(row.is_run for row in rows) > len(rows) / 2
