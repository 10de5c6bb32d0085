"""The questions about drug labels: each gold quote stands in the label, and ragd finds its section."""
import json
import os
import pathlib
import re
import subprocess
import xml.etree.ElementTree

import pytest

import harness
from rag_harness import RAGD

QUESTIONS = json.loads((pathlib.Path(__file__).parent / "label_questions.json").read_text(encoding="utf-8"))
DATA = pathlib.Path(os.environ.get("RAG_BENCH_DATA", harness.TOP.parent / "shared/data"))
V3 = "{urn:hl7-org:v3}"


def labels():
    if not (DATA / "spl").is_dir():
        pytest.skip("the labels are not here: RAG_BENCH_DATA names the folder that has spl/")
    return DATA / "spl"


def sections(path):
    """(code, title, text) of every section that has text of its own."""
    def words(element):
        return " ".join("".join(element.itertext()).split()) if element is not None else ""
    for section in xml.etree.ElementTree.parse(path).getroot().iter(V3 + "section"):
        code = section.find(V3 + "code")
        if section.find(V3 + "text") is not None:
            yield code.get("code") if code is not None else "", words(section.find(V3 + "title")), words(section.find(V3 + "text"))


def test_there_are_150_questions_and_30_that_no_label_answers():
    asked = [q["question"] for q in QUESTIONS["answerable"]]
    assert len(asked) == len(set(asked)) == 150 and len(set(QUESTIONS["unanswerable"])) == 30
    assert all(q["quote"] and q["sections"] for q in QUESTIONS["answerable"])


def test_each_gold_quote_stands_word_for_word_in_its_section():
    folder, read = labels(), {}
    for q in QUESTIONS["answerable"]:
        if q["file"] not in read:
            read[q["file"]] = list(sections(folder / q["file"]))
        holding = {(code, title) for code, title, text in read[q["file"]] if " ".join(q["quote"].split()) in text}
        # A section without a title of its own is known by the one above it.
        assert holding and {s["code"] for s in q["sections"]} == {code for code, _ in holding}, q


@pytest.mark.skipif(not RAGD.is_file(), reason=f"no ragd in {harness.BUILD}")
def test_sections_are_found_quotes_are_exact_and_what_no_label_says_is_refused():
    labels()
    ran = subprocess.run([harness.TOP / "bench/rag", "--data", DATA, "eval", "labels"], capture_output=True, text=True,
                         timeout=300, env={**os.environ, "WEIR_BUILD": str(harness.BUILD)})
    assert ran.returncode == 0, ran.stderr
    share = {name: float(value) for name, value in re.findall(r"(in three|holds the quote|refused wrongly|unanswerable refused) ([\d.]+)%",
                                                              ran.stdout)}
    exact, cites = map(int, re.search(r"passage (\d+)/(\d+)", ran.stdout).groups())
    assert share["in three"] >= 93 and share["holds the quote"] >= 80, ran.stdout
    assert share["refused wrongly"] <= 3 and share["unanswerable refused"] >= 90, ran.stdout
    assert exact == cites > 200, ran.stdout
