from __future__ import annotations

from xml.etree import ElementTree

from tbcli.gates import Verdict
from tbcli.gates.reports import as_documents, as_junit, as_markdown, markdown_text

VERDICTS = [
    Verdict("val_accuracy.best>=0.98", "passed", 0.99, "0.99", "epoch 4"),
    Verdict('"a|b`<i>"<1', "failed", 2.0, "2"),
    Verdict("x>1", "missing", hint="did you mean 'y'?"),
]


def test_markdown_is_a_table_that_user_text_cannot_break() -> None:
    lines = as_markdown(VERDICTS, "a *run*\n# <b>").splitlines()
    assert lines[0] == r"### 1 of 3 gates passed: a \*run\* \# \<b\>"
    assert lines[4] == "| `val_accuracy.best>=0.98` | 0.99 at epoch 4 | ✅ passed |"
    assert lines[5] == r'| "a\|b\`\<i\>"\<1 | 2 | ❌ failed |'
    assert lines[6] == "| `x>1` | not there | ⚠️ missing |"


def test_markdown_text_keeps_control_characters_out() -> None:
    assert markdown_text("a\x1b[31m\tb") == "a\ufffd\\[31m b"


def test_junit_is_read_by_an_xml_reader() -> None:
    suite = ElementTree.fromstring(as_junit(VERDICTS, 'run "1" & <co>\x00'))
    assert suite.attrib == {
        "name": 'tbcli check run "1" & <co>\ufffd',
        "tests": "3",
        "failures": "1",
        "errors": "1",
        "skipped": "0",
    }
    passed, failed, missing = suite
    assert (passed.attrib["name"], list(passed)) == ("val_accuracy.best>=0.98", [])
    assert [(each.tag, each.attrib) for each in failed] == [("failure", {"message": "is 2"})]
    assert [(each.tag, each.attrib) for each in missing] == [("error", {"message": "did you mean 'y'?"})]


def test_documents_have_stable_keys() -> None:
    passed, _, missing = as_documents(VERDICTS)
    assert passed == {
        "gate": "val_accuracy.best>=0.98",
        "outcome": "passed",
        "actual": 0.99,
        "shown": "0.99",
        "at": "epoch 4",
        "tag": None,
        "is_guessed": False,
        "note": "",
        "warning": "",
        "hint": "",
    }
    assert missing["actual"] is None


def test_a_guess_is_said_in_every_report() -> None:
    guess = Verdict("quux.best>1", "passed", 3.0, "3", "epoch 1", note="(higher is better: guessed)")
    assert "3 at epoch 1 (higher is better: guessed)" in as_markdown([guess], "run")
    (case,) = ElementTree.fromstring(as_junit([guess], "run"))
    assert case.findtext("system-out") == "(higher is better: guessed)"
    (document,) = as_documents([guess])
    assert document["is_guessed"] is True


def test_several_runs_are_told_apart_in_every_report() -> None:
    verdicts = [Verdict("a>1", "passed", 2.0, "2", run=name) for name in ("one", "two")]
    assert as_markdown(verdicts, "runs").splitlines()[2:5] == [
        "| run | gate | value | verdict |",
        "|---|---|---:|---|",
        "| one | `a>1` | 2 | ✅ passed |",
    ]
    suite = ElementTree.fromstring(as_junit(verdicts, "runs"))
    assert [case.attrib["classname"] for case in suite] == ["one", "two"]
