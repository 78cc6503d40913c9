"""Text files with tables in them: however they are written, each cell arrives as what it is, or the error names it."""

from __future__ import annotations

import csv
import gzip
import io
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tbcli.data.raw_columns import RawTable
from tbcli.data.text_tables import read_text_table
from tbcli.errors import DoesNotFit


def read(tmp_path: Path, text: str | bytes, name: str = "table.csv", **kwargs: object) -> RawTable:
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_text_table(path, **kwargs)  # type: ignore[arg-type]


def cells(table: RawTable, name: str) -> list[object]:
    """Return a column as a person would read it, None where nothing is."""
    column = table.column(name)
    shown = [
        None if column.words and code < 0 else column.words[code] if column.words else code for code in column.values
    ]
    return [
        None if missing else str(value) if column.kind == "date" else value
        for value, missing in zip(shown, column.is_missing, strict=True)
    ]


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_the_separator_is_found_out(tmp_path: Path, separator: str, end: str) -> None:
    rows = [["height", "kind of tree"], ["1.5", "oak, old"], ["2", "elm; young"], ["", "ash"]]
    text = end.join(separator.join(f'"{cell}"' if set(cell) & set(",;") else cell for cell in row) for row in rows)
    table = read(tmp_path, text + end)
    assert table.names == ["height", "kind of tree"]
    assert cells(table, "height") == [1.5, 2.0, None]
    assert cells(table, "kind of tree") == ["oak, old", "elm; young", "ash"]


def test_cells_may_be_separated_by_blanks(tmp_path: Path) -> None:
    table = read(tmp_path, "  a b   c\n  1  2 3.5\n 14 15  6\n")
    assert table.names == ["a", "b", "c"]
    assert cells(table, "c") == [3.5, 6.0]


@pytest.mark.parametrize("word", ["", " ", "NA", "n/a", "NaN", "nan", "null", "NULL", "?", "#N/A", "<NA>"])
def test_a_missing_value_is_missing_among_numbers_and_among_words(tmp_path: Path, word: str) -> None:
    table = read(tmp_path, f"number,word,other\n{word},{word},1\n2,blue,2\n3,red,3\n")
    assert cells(table, "number") == [None, 2.0, 3.0]
    assert cells(table, "word") == [None, "blue", "red"]


def test_none_is_missing_among_numbers_and_a_word_among_words(tmp_path: Path) -> None:
    table = read(tmp_path, "number,word\nNone,None\n1,some\n2,many\n")
    assert cells(table, "number") == [None, 1.0, 2.0]
    assert cells(table, "word") == ["None", "some", "many"]


@pytest.mark.parametrize(
    ("written", "number"),
    [("1,5", 1.5), ("0,25", 0.25), ("-3,75", -3.75), ("1.234,5", 1234.5), ("12.345.678,9", 12345678.9)],
)
def test_decimal_commas_are_read_where_they_are_sure(tmp_path: Path, written: str, number: float) -> None:
    table = read(tmp_path, f"a;b\n{written};x\n2,5;y\n")
    assert cells(table, "a") == [number, 2.5]
    assert any("column 'a': numbers such as" in note and "decimal comma" in note for note in table.notes)


def test_thousands_are_read_where_they_are_sure(tmp_path: Path) -> None:
    table = read(tmp_path, 'a,b\n"1,234.5",x\n"2,345",y\n17,z\n')
    assert cells(table, "a") == [1234.5, 2345.0, 17.0]


@pytest.mark.parametrize(("separator", "number"), [(",", 1234.0), (";", 1.234)])
def test_a_comma_that_could_be_either_is_guessed_and_told(tmp_path: Path, separator: str, number: float) -> None:
    table = read(tmp_path, f'a{separator}b\n"1,234"{separator}x\n"2,500"{separator}y\n')
    assert cells(table, "a")[0] == number
    assert any("column 'a': numbers such as 1,234 are read with" in note for note in table.notes)


@pytest.mark.parametrize(
    ("first", "second", "day"),
    [
        ("2024-02-13", "2024-03-01", "2024-02-13T00:00:00"),
        ("2024-02-13 10:30:05", "2024-03-01 00:00:00", "2024-02-13T10:30:05"),
        ("2024-02-13T10:30:05Z", "2024-03-01T00:00:00Z", "2024-02-13T10:30:05"),
        ("2024-02-13T10:30:05.25+02:00", "2024-03-01T00:00:00+02:00", "2024-02-13T10:30:05"),
        ("2024/2/13", "2024/3/1", "2024-02-13T00:00:00"),
        ("13.02.2024", "1.3.2024", "2024-02-13T00:00:00"),
        ("03.02.2024", "01.03.2024", "2024-02-03T00:00:00"),
        ("13/02/2024", "01/03/2024", "2024-02-13T00:00:00"),
        ("02/13/2024 9:05", "03/01/2024 19:05", "2024-02-13T09:05:00"),
        ("13 Feb 2024", "1 Mar 2024", "2024-02-13T00:00:00"),
        ("February 13, 2024", "March 1, 2024", "2024-02-13T00:00:00"),
    ],
)
def test_dates_are_read(tmp_path: Path, first: str, second: str, day: str) -> None:
    table = read(tmp_path, f'when,n\n"{first}",1\n"{second}",2\n,3\n')
    assert table.column("when").kind == "date"
    assert cells(table, "when")[0] == day
    assert cells(table, "when")[2] is None
    assert not any("month" in note for note in table.notes)


def test_a_day_that_could_be_a_month_is_guessed_and_told(tmp_path: Path) -> None:
    table = read(tmp_path, "when,n\n1/2/2024,1\n3/4/2024,2\n")
    assert cells(table, "when")[0] == "2024-01-02T00:00:00"
    assert any("month first" in note for note in table.notes)


@pytest.mark.parametrize("words", [["13.02.2024", "32.02.2024"], ["2024-02-13", "yesterday"], ["1-2", "3-4"]])
def test_words_that_are_not_all_dates_stay_words(tmp_path: Path, words: list[str]) -> None:
    table = read(tmp_path, "when,n\n" + "".join(f"{word},1\n" for word in words))
    assert cells(table, "when") == words


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_unicode_is_read_with_and_without_a_mark(tmp_path: Path, encoding: str) -> None:
    table = read(tmp_path, "größe,wort\n1,ä\n2,δ\n".encode(encoding))
    assert table.names == ["größe", "wort"]
    assert cells(table, "wort") == ["ä", "δ"]
    assert not table.notes


def test_what_is_no_utf_8_is_read_as_latin_1_and_told(tmp_path: Path) -> None:
    table = read(tmp_path, b"a,b\n" + b"1,x\n" * 100_000 + "2,ö\n".encode("latin-1"))
    assert cells(table, "b")[-1] == "ö"
    assert any("Latin-1" in note for note in table.notes)


def test_signs_of_windows_are_read_as_such(tmp_path: Path) -> None:
    table = read(tmp_path, "a,b\n1,“quoted” €\n2,ö\n".encode("cp1252"))
    assert cells(table, "b") == ["“quoted” €", "ö"]
    assert any("Windows-1252" in note for note in table.notes)


@pytest.mark.parametrize("encoding", ["shift_jis", "cp866", "gb18030"])
def test_text_that_would_be_read_as_other_letters_is_refused(tmp_path: Path, encoding: str) -> None:
    words = {"cp866": ("ШКОЛА", "ДОМ"), "gb18030": ("丂丄", "亐")}.get(encoding, ("はい", "いいえ"))
    with pytest.raises(DoesNotFit, match="neither UTF-8 nor Windows-1252") as caught:
        read(tmp_path, f"a,b\n1,{words[0]}\n2,{words[1]}\n".encode(encoding))
    assert "save it as UTF-8" in caught.value.hint


@pytest.mark.parametrize("text", ["œuf", "l\u2019eau, „Wort“, šok", "Žižek", "\u201aso\u2018", "10 € … groß café"])
def test_western_text_is_not_refused(tmp_path: Path, text: str) -> None:
    assert cells(read(tmp_path, f"a;b\n1;{text}\n2;x\n".encode("cp1252")), "b")[0] == text


def test_a_packed_file_is_read(tmp_path: Path) -> None:
    assert cells(read(tmp_path, gzip.compress(b"a,b\n1,2\n"), "table.csv.gz"), "b") == [2.0]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("1,2,x\n3,4,y\n", ["c0", "c1", "c2"]),
        ("1.5\t2\n3\t4\n", ["c0", "c1"]),
        ("NA,2\n3,4\n", ["c0", "c1"]),
        ("a,b\n1,2\n", ["a", "b"]),
        ("country,2018,2019\nA,1,2\nB,3,4\n", ["country", "2018", "2019"]),
        ("name,1,2\nA,5,2\nB,3,4\n", ["name", "1", "2"]),
        ("A,1,2\nA,5,2\nB,3,4\n", ["c0", "c1", "c2"]),
        ("name,colour\nbob,red\nann,blue\n", ["name", "colour"]),
        ("red,x\nblue,y\nred,x\n", ["c0", "c1"]),
        (",a\n0,5\n1,6\n", ["c0", "a"]),
    ],
)
def test_whether_there_is_a_header_is_found_out(tmp_path: Path, text: str, names: list[str]) -> None:
    table = read(tmp_path, text)
    assert table.names == names
    if names[-1] == f"c{len(names) - 1}":
        assert any("no header row" in note for note in table.notes)


def test_the_first_row_of_scikit_learns_files_is_understood(tmp_path: Path) -> None:
    table = read(tmp_path, "4,2,oak,elm\n1,2,0\n3,4,1\n5,6,1\n7,8,0\n")
    assert table.names == ["c0", "c1", "target"]
    assert table.class_names == ("oak", "elm")
    assert table.rows == 4
    with pytest.raises(DoesNotFit, match="declares 5 rows, but there are 4"):
        read(tmp_path, "5,2,oak,elm\n1,2,0\n3,4,1\n5,6,1\n7,8,0\n")


def test_rows_that_end_with_a_separator_have_no_further_cell(tmp_path: Path) -> None:
    assert read(tmp_path, "a,b\n1,2,\n3,4,\n").names == ["a", "b"]
    assert read(tmp_path, "a,b,\n1,2,\n3,4,\n").names == ["a", "b"]
    assert cells(read(tmp_path, "a,b,c\n1,2,\n3,4,\n5,6,7\n"), "c") == [None, None, 7.0]


def test_only_line_ends_end_a_line(tmp_path: Path) -> None:
    table = read(tmp_path, "a\u2028b,c\x0bd\n1,x\x85y\n2,z\x1cw\n")
    assert table.names == ["a\u2028b", "c\x0bd"]
    assert cells(table, "c\x0bd") == ["x\x85y", "z\x1cw"]
    assert read(tmp_path, "a,b\r1,2\r3,4\r").rows == 2


def test_blank_lines_are_no_rows(tmp_path: Path) -> None:
    assert cells(read(tmp_path, "\na,b\n\n1,2\n  \n3,4\n\n"), "a") == [1.0, 3.0]


def test_one_column_is_a_table(tmp_path: Path) -> None:
    assert cells(read(tmp_path, "a\n1\n\n2\n"), "a") == [1.0, 2.0]


def test_few_rows_with_other_numbers_of_cells_are_left_out_by_line(tmp_path: Path) -> None:
    rows = "1,2\n" * 100
    table = read(tmp_path, f"a,b\n{rows}3\n4,5,6\n7,8\n")
    assert table.rows == 101
    assert any("line 102 has 1, line 103 has 3" in note for note in table.notes)
    with pytest.raises(DoesNotFit, match="line 102 has 1, line 103 has 3"):
        read(tmp_path, f"a,b\n{rows}3\n4,5,6\n7,8\n", strict=True)


def test_many_such_rows_are_an_error(tmp_path: Path) -> None:
    with pytest.raises(DoesNotFit, match="should have 2 cells: line 3 has 1, line 4 has 3, line 6 has 1 and 1 more"):
        read(tmp_path, "a,b\n1,2\n3\n4,5,6\n7,8\n9\n10,11\n12\n13,14\n15,16\n")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        ("\n\n", "is empty"),
        ("a,b\n", "no rows after its header"),
        ("a,b,a\n1,2,3\n", r"2 columns named 'a': 1, 3"),
        ("a,b\n1,2,3\n4,5,6\n", "the header of table.csv has 2 cells, most rows have 3"),
        (b"\x00\x01\x02,\n", "is not a text file"),
        ("<!DOCTYPE html>\n<html>no such page</html>", "is not a table: it begins with '<!DOCTYPE html>'"),
        ('{"a": 1, "b": 2}\n', "is not a table"),
        (gzip.compress(b"a,b\n" + b"1,2\n" * 9999, mtime=0)[:40], "cannot read table.csv: Compressed file ended"),
        ('a,b\n1,"2\n' + "3,4\n" * 50_000, "cannot be parsed after line"),
    ],
)
def test_what_is_no_table_says_so(tmp_path: Path, text: str | bytes, message: str) -> None:
    with pytest.raises(DoesNotFit, match=message):
        read(tmp_path, text)


def test_a_word_far_down_makes_all_of_the_column_words(tmp_path: Path) -> None:
    table = read(tmp_path, "a,b\n" + "".join(f"{i},{i}\n" for i in range(20_000)) + "x,1\n")
    assert cells(table, "a")[:2] == ["0", "1"]
    assert cells(table, "a")[-1] == "x"
    assert table.rows == 20_001
    assert table.column("b").kind == "number"


def test_columns_can_be_forced_to_be_words(tmp_path: Path) -> None:
    assert cells(read(tmp_path, "a,b\n1,2024-01-01\n", forms={"a": "word", "b": "word"}), "a") == ["1"]
    assert cells(read(tmp_path, "a,b\n1,2024-01-01\n", forms={"a": "word", "b": "word"}), "b") == ["2024-01-01"]


def test_underscores_make_no_number(tmp_path: Path) -> None:
    assert cells(read(tmp_path, "a,b\n1_0,1\n2_0,2\n"), "a") == ["1_0", "2_0"]


@given(
    st.lists(
        st.tuples(
            st.floats(allow_nan=False, allow_infinity=False),
            st.text(st.characters(codec="utf-8", exclude_characters="\0\r"), max_size=9),
        ),
        min_size=1,
        max_size=30,
    )
)
def test_whatever_the_csv_module_writes_is_read_back(tmp_path: Path, rows: list[tuple[float, str]]) -> None:
    text = io.StringIO(newline="")
    csv.writer(text).writerows([["number", "word"], *((repr(number), f"w{word}") for number, word in rows)])
    table = read(tmp_path, text.getvalue())
    assert cells(table, "number") == [number for number, _ in rows]
    assert cells(table, "word") == [f"w{word}".strip() for _, word in rows]


def test_numbers_with_infinity_and_exponents_are_numbers(tmp_path: Path) -> None:
    values = read(tmp_path, "a,b\n1e5,x\ninf,y\n-2.5E-3,z\n").column("a").values
    assert values[0] == 1e5
    assert math.isinf(values[1])
    assert np.isclose(values[2], -0.0025)


@pytest.mark.parametrize(
    ("text", "names", "rows"),
    [
        ("0,1,2\n5.1,4,3\n6,7,8\n", ["0", "1", "2"], 2),
        (",0,1\n0,5.1,4\n1,6,7\n", ["c0", "0", "1"], 2),
        ("sep=;\na;b\n1,5;2\n2,5;3\n", ["a", "b"], 2),
        ('"sep=,"\r\na,b\r\n1,2\r\n', ["a", "b"], 1),
        ("# made by a program, in 2024\n# twice\na,b\n1,2\n3,4\n", ["a", "b"], 2),
        ("# a,b\n1.5,2\n3,4\n", ["a", "b"], 2),
        ("# a b\n1.5 2\n3 4\n", ["a", "b"], 2),
        ("# measured at noon\n1.5,2\n3,4\n", ["c0", "c1"], 2),
        ("#\n# \n1.5,2\n3,4\n", ["c0", "c1"], 2),
        ("#,name\n1,x\n2,y\n", ["#", "name"], 2),
        ("#id,name\n1,x\n2,y\n", ["id", "name"], 2),
    ],
)
def test_lines_before_the_table_are_understood(tmp_path: Path, text: str, names: list[str], rows: int) -> None:
    table = read(tmp_path, text)
    assert table.names == names
    assert table.rows == rows


@pytest.mark.parametrize("words", [["12%", "5.5%"], ["$1,234.50", "$3"], ["3 €", "2 €"], ["£5", "£1,234,567"]])
def test_a_sign_that_all_numbers_have_is_left_out_and_told(tmp_path: Path, words: list[str]) -> None:
    table = read(tmp_path, "a\tb\n" + "".join(f"{word}\tx\n" for word in words) + "\ty\n", "t.tsv")
    assert table.column("a").kind == "number"
    assert cells(table, "a")[1:] == [{"5.5%": 5.5, "$3": 3, "2 €": 2, "£1,234,567": 1234567}[words[1]], None]
    assert any("column 'a': numbers are read without" in note for note in table.notes)


def test_signs_that_differ_make_words(tmp_path: Path) -> None:
    assert cells(read(tmp_path, "a,b\n$5,1\n€6,2\n"), "a") == ["$5", "€6"]
    assert cells(read(tmp_path, "a,b\n5%,1\n6,2\n"), "a") == ["5%", "6"]
    assert cells(read(tmp_path, "a,b\n%,1\n50%,2\n"), "a") == ["%", "50%"]
