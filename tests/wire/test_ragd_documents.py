"""Documents in by every door and of every format; what is wrong with them; jobs, keys, kills."""
import base64
import http.server
import io
import json
import os
import pathlib
import random
import re
import shutil
import signal
import subprocess
import threading
import time
import urllib.parse
import zipfile

import harness
import pytest
import rag_legacy
from rag_harness import Ragd, finished, words

EMPTY = {"documents": "", "RAG_PACE_MS": "0"}


@pytest.fixture(scope="module")
def server():
    with Ragd(**EMPTY) as running:
        yield running


# ---- Helpers ----

def multipart(files, **fields):
    """(body, headers) of a form; files: [(filename, bytes[, type])]."""
    edge, out = "----edge0815", io.BytesIO()
    for name, value in fields.items():
        out.write(f'--{edge}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode())
    for filename, data, *kind in files:
        escaped = filename.replace("\\", "\\\\").replace('"', '\\"')
        out.write(f'--{edge}\r\nContent-Disposition: form-data; name="file"; filename="{escaped}"\r\n'.encode())
        out.write(f"Content-Type: {kind[0] if kind else 'application/octet-stream'}\r\n\r\n".encode() + data + b"\r\n")
    out.write(f"--{edge}--\r\n".encode())
    return out.getvalue(), {"Content-Type": f"multipart/form-data; boundary={edge}"}


def upload(server, filename, data, wait_ms=20000, kind="application/octet-stream", **fields):
    body, headers = multipart([(filename, data, kind)], wait_ms=wait_ms, **fields)
    status, answer, _ = server.request("POST", "/documents/upload", body, headers)
    answer = json.loads(answer)
    assert status in (200, 202), answer
    return answer["result"]["document"]


def post(server, path, body, headers=None):
    status, answer, _ = server.request("POST", path, json.dumps(body), {"Content-Type": "application/json", **(headers or {})})
    return status, json.loads(answer)


def text(server, words, wait_ms=20000, **more):
    status, answer = post(server, "/documents/text", {"text": words, "wait_ms": wait_ms, **more})
    assert status in (200, 202), answer
    return answer["result"]["document"]


def chunks(server, document):
    assert document["state"] == "indexed", document
    return server.json(f"/documents/{document['id']}/chunks")["chunks"]


def everything(server, document):
    return "\n".join(c["text"] for c in chunks(server, document))


def package(parts):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as z:
        for name, data in parts.items():
            z.writestr(name, data)
    return out.getvalue()


PNG = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==")
W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
R = 'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"'
A = 'xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main"'
RELS = '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">{}</Relationships>'


def docx(body=None):
    body = body or (
        '<w:p><w:pPr><w:pStyle w:val="T1"/></w:pPr><w:r><w:t>Quinine</w:t></w:r></w:p>'
        '<w:p><w:pPr><w:pStyle w:val="H1"/></w:pPr><w:r><w:t>Dose</w:t></w:r></w:p>'
        '<w:p><w:r><w:t xml:space="preserve">Take one </w:t></w:r><w:r><w:t>tablet.</w:t></w:r><w:del><w:r><w:t>GONE</w:t></w:r></w:del></w:p>'
        '<w:p><w:pPr><w:numPr/></w:pPr><w:r><w:t>with water</w:t></w:r></w:p>'
        '<w:tbl><w:tr><w:tc><w:p><w:r><w:t>Age</w:t></w:r></w:p></w:tc><w:tc><w:p><w:r><w:t>Amount</w:t></w:r></w:p></w:tc></w:tr>'
        '<w:tr><w:tc><w:p><w:r><w:t>adult</w:t></w:r></w:p></w:tc><w:tc><w:p><w:r><w:t>600 mg</w:t></w:r></w:p></w:tc></w:tr></w:tbl>'
        '<w:p><w:r><w:drawing><wp:docPr xmlns:wp="urn:x" descr="A bark tree"/><a:blip r:embed="rId7"/></w:drawing></w:r></w:p>')
    return package({
        "word/document.xml": f"<w:document {W} {R} {A}><w:body>{body}</w:body></w:document>",
        "word/styles.xml": f'<w:styles {W}><w:style w:styleId="H1"><w:name w:val="heading 1"/></w:style>'
                           f'<w:style w:styleId="T1"><w:name w:val="Title"/></w:style></w:styles>',
        "word/_rels/document.xml.rels": RELS.format('<Relationship Id="rId7" Target="media/a.png"/>'),
        "word/media/a.png": PNG})


def pptx():
    shape = '<p:sp><p:nvSpPr><p:nvPr><p:ph type="{}"/></p:nvPr></p:nvSpPr><p:txBody><a:p><a:r><a:t>{}</a:t></a:r></a:p></p:txBody></p:sp>'
    slide = '<p:sld xmlns:p="urn:p" ' + A + '><p:cSld><p:spTree>{}</p:spTree></p:cSld></p:sld>'
    return package({
        "ppt/presentation.xml": f'<p:presentation xmlns:p="urn:p" {R}><p:sldIdLst><p:sldId id="256" r:id="r2"/><p:sldId id="257" r:id="r1"/></p:sldIdLst></p:presentation>',
        "ppt/_rels/presentation.xml.rels": RELS.format('<Relationship Id="r1" Target="slides/slide1.xml"/><Relationship Id="r2" Target="/ppt/slides/slide2.xml"/>'),
        "ppt/slides/slide1.xml": slide.format(shape.format("title", "Second") + shape.format("body", "Gliders fly far.")),
        "ppt/slides/slide2.xml": slide.format(shape.format("ctrTitle", "First") + shape.format("body", "Kites fly high."))})


def xlsx():
    return package({
        "xl/workbook.xml": f'<workbook {R}><sheets><sheet name="Prices" r:id="r1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": RELS.format('<Relationship Id="r1" Target="worksheets/sheet1.xml"/>'),
        "xl/sharedStrings.xml": "<sst><si><t>Drug</t></si><si><r><t>Pri</t></r><r><t>ce</t></r></si><si><t>quinidine</t></si></sst>",
        "xl/worksheets/sheet1.xml": '<worksheet><sheetData><row><c r="A1" t="s"><v>0</v></c><c r="C1" t="s"><v>1</v></c></row>'
                                    '<row><c r="A2" t="s"><v>2</v></c><c r="C2"><v>12.5</v></c></row></sheetData></worksheet>'})


def odt():
    return package({
        "mimetype": "application/vnd.oasis.opendocument.text",
        "content.xml": '<o:document-content xmlns:o="urn:o" xmlns:t="urn:t" xmlns:tb="urn:tb"><o:body><o:text><t:h t:outline-level="1">Storage</t:h>'
                       "<t:p>Keep<t:s/>it <t:span>cold</t:span>.</t:p><t:list><t:list-item><t:p>not frozen</t:p></t:list-item></t:list>"
                       "<tb:table><tb:table-row><tb:table-cell><t:p>Place</t:p></tb:table-cell><tb:table-cell><t:p>Days</t:p></tb:table-cell></tb:table-row>"
                       "<tb:table-row><tb:table-cell><t:p>fridge</t:p></tb:table-cell><tb:table-cell><t:p>28</t:p></tb:table-cell></tb:table-row></tb:table>"
                       "</o:text></o:body></o:document-content>"})


def epub():
    return package({
        "mimetype": "application/epub+zip",
        "META-INF/container.xml": '<container><rootfiles><rootfile full-path="OEBPS/book.opf"/></rootfiles></container>',
        "OEBPS/book.opf": "<package><metadata><title>The Herbal</title></metadata><manifest>"
                          '<item id="b" href="two%20b.xhtml"/><item id="a" href="one.xhtml"/></manifest>'
                          '<spine><itemref idref="a"/><itemref idref="b"/></spine></package>',
        "OEBPS/one.xhtml": "<html><head><title>x</title></head><body><h1>Sage</h1><p>Sage is for throats.</p></body></html>",
        "OEBPS/two b.xhtml": "<html><body><h1>Mint</h1><p>Mint is for stomachs.</p></body></html>"})


def pdf(pages):
    """A PDF with a line of text per entry; entries are (size, y, words)."""
    objects = ["<</Type/Catalog/Pages 2 0 R>>", None, "<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>"]
    kids = []
    for lines in pages:
        stream = "".join(f"BT /F1 {size} Tf 72 {y} Td ({line}) Tj ET\n" for size, y, line in lines)
        objects.append(f"<</Length {len(stream)}>>stream\n{stream}endstream")
        objects.append(f"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents {len(objects)} 0 R/Resources<</Font<</F1 3 0 R>>>>>>")
        kids.append(f"{len(objects)} 0 R")
    objects[1] = f"<</Type/Pages/Kids[{' '.join(kids)}]/Count {len(kids)}>>"
    out, at = "%PDF-1.4\n", []
    for number, body in enumerate(objects, 1):
        at.append(len(out))
        out += f"{number} 0 obj\n{body}\nendobj\n"
    xref = len(out)
    out += f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n" + "".join(f"{a:010} 00000 n \n" for a in at)
    return (out + f"trailer<</Size {len(objects) + 1}/Root 1 0 R>>\nstartxref\n{xref}\n%%EOF\n").encode()


LEAFLET = pdf([[(20, 700, "Storing insulin"), (11, 660, "Keep insulin in the refrigerator inter-"), (11, 646, "nally, never in the freezer."), (8, 30, "Leaflet 7, page 1")],
               [(11, 700, "Once opened it lasts twenty eight days."), (8, 30, "Leaflet 7, page 2")],
               [(11, 700, "Discard it afterwards."), (8, 30, "Leaflet 7, page 3")]])

needs_pdf = pytest.mark.skipif(not shutil.which("pdftotext"), reason="poppler-utils is not installed")
needs_catdoc = pytest.mark.skipif(not shutil.which("catdoc"), reason="catdoc is not installed")
needs_ocr = pytest.mark.skipif(not (shutil.which("tesseract") and shutil.which("pdftoppm")), reason="tesseract-ocr or poppler-utils is not installed")


# ---- Formats ----

def test_a_word_document_gives_headings_lists_tables_and_images(server):
    document = upload(server, "quinine.docx", docx())
    found = chunks(server, document)
    assert document["title"] == "Quinine"
    assert {c["section"] for c in found} == {"Dose"}
    assert "Take one tablet." in found[0]["text"] and "with water" in found[0]["text"]
    assert "GONE" not in everything(server, document)
    table = next(c for c in found if c["kind"] == "table")
    assert table["text"].strip() == "Age: adult; Amount: 600 mg" and table["item"]["rows"][1] == ["adult", "600 mg"]
    image = next(c for c in found if c["kind"] == "image")
    assert image["item"]["caption"] == "A bark tree"
    status, data, headers = server.get(f"/assets/{image['item']['asset_id']}")
    assert (status, data, headers["Content-Type"]) == (200, PNG, "image/png")
    assert "sandbox" in headers["Content-Security-Policy"] and headers["X-Content-Type-Options"] == "nosniff"


def test_slides_come_in_order_with_their_numbers(server):
    found = chunks(server, upload(server, "flight.pptx", pptx()))
    assert [(c["section"], c["page"], c["text"]) for c in found] == [("First", 1, "Kites fly high."), ("Second", 2, "Gliders fly far.")]


def test_a_sheet_is_a_table_with_its_header_in_each_row(server):
    found = chunks(server, upload(server, "prices.xlsx", xlsx()))
    assert "Drug: quinidine; Price: 12.5" in found[0]["text"] and found[0]["section"] == "Prices"


def test_opendocument_and_epub_are_read(server):
    document = upload(server, "storage.odt", odt())
    body = everything(server, document)
    assert "Keep it cold." in body and "not frozen" in body and "Place: fridge; Days: 28" in body
    document = upload(server, "herbal.epub", epub())
    assert document["title"] == "The Herbal"
    assert [c["section"] for c in chunks(server, document)] == ["Sage", "Mint"]


RTF = rb"{\rtf1\ansi{\fonttbl{\f0 Arial;}}\f0 Sage is for \b throats\b0 .\par Mint is for stomachs.\par}"


def legacy():
    return {"quinine.doc": rag_legacy.doc("Quinine\nTake one tablet with caf\u00e9.\n\nKeep it dry.\n"),
            "prices.xls": rag_legacy.xls([("Prices", [["Drug", "Price"], ["quinidine, pure", 12.5]]), ("Stock", [["Place", "Days"], ["fridge", 28]])]),
            "flight.ppt": rag_legacy.ppt([["First", "Kites fly high."], ["Second", "Gliders fly far."]]), "herbs.rtf": RTF}


@needs_catdoc
def test_documents_of_the_offices_before_2007_are_read(server):
    files = legacy()
    found = {name: everything(server, upload(server, name, data)) for name, data in files.items()}
    assert "Take one tablet with café." in found["quinine.doc"] and "Keep it dry." in found["quinine.doc"]
    assert "Drug: quinidine, pure; Price: 12.5" in found["prices.xls"] and "Place: fridge; Days: 28" in found["prices.xls"]
    assert "Kites fly high." in found["flight.ppt"] and "Gliders fly far." in found["flight.ppt"]
    assert "Sage is for throats" in found["herbs.rtf"] and "rtf1" not in found["herbs.rtf"]
    # what it is is told by its bytes, not by its name
    assert "Kites" in everything(server, upload(server, "kites.doc", files["flight.ppt"] + b"\0"))


def test_a_document_of_an_old_office_that_is_none_is_refused_with_what_to_do(server):
    for name in ("a.doc", "a.xls", "a.ppt", "a.rtf"):
        document = upload(server, name, b"no such thing " + name.encode())
        assert (document["state"], document["error"]["code"]) == ("failed", "unsupported_media"), document


@needs_catdoc
def test_hostile_documents_of_old_offices_end_in_a_sentence(server):
    rng = random.Random(23)
    for name, data in legacy().items():
        head = 512 if name != "herbs.rtf" else 8
        for turn in range(12):
            bad = bytearray(data)
            if turn < 4:
                del bad[rng.randrange(head, len(bad)):]
            else:
                for _ in range(1 << turn % 6):
                    bad[rng.randrange(9 if turn % 2 else head, len(bad))] = rng.choice([0, 0xFF, 0x7F, rng.randrange(256)])
            document = upload(server, name, bytes(bad) + b"\0" * turn, wait_ms=60000)
            assert document["state"] == "indexed" or document["error"]["message"], (name, turn, document)
    loop = bytearray(legacy()["quinine.doc"])
    loop[512 + 8:1024] = b"\2\0\0\0" * 126  # every sector is followed by sector 2
    assert upload(server, "loop.doc", bytes(loop), wait_ms=60000)["state"] in ("indexed", "failed")
    assert upload(server, "deep.rtf", RTF[:6] + b"{" * 200000 + b"x")["state"] in ("indexed", "failed")
    assert server.json("/health")["status"] in ("healthy", "degraded")


@needs_pdf
def test_a_pdf_keeps_its_pages_and_loses_its_footers(server):
    document = upload(server, "insulin.pdf", LEAFLET)
    found = chunks(server, document)
    assert document["title"] == "Storing insulin" and document["pages"] == 3
    body = everything(server, document)
    assert "internally, never" in body and "Leaflet 7" not in body
    assert found[0]["page"] == 1 and found[-1]["page_to"] == 3 and found[0]["section"] == "Storing insulin"


@needs_ocr
def test_scans_and_images_are_read_by_their_letters(server, tmp_path):
    (tmp_path / "a.pdf").write_bytes(pdf([[(40, 600, "WARFARIN AND"), (40, 540, "VITAMIN K")]]))
    subprocess.run(["pdftoppm", "-r", "100", "-png", "-singlefile", tmp_path / "a.pdf", tmp_path / "a"], check=True)
    document = upload(server, "scan.png", (tmp_path / "a.png").read_bytes(), wait_ms=60000)
    assert "WARFARIN" in everything(server, document).upper()
    assert any(c["kind"] == "image" and c["item"]["asset_id"].startswith("ast_") for c in chunks(server, document))


def test_pages_tables_and_alternatives_of_html_are_read_and_scripts_are_not(server):
    page = ("<html><head><title>Leaflet</title><script>alert('no')</script></head><body><nav>menu</nav><h1>Use</h1><p>Swallow <b>whole</b>.</p>"
            "<ul><li>with food</li></ul><table><caption>Doses</caption><tr><th>Age</th><th>mg</th></tr><tr><td>adult</td><td>5</td></tr></table>"
            "<img src='http://192.0.2.1/x.png' alt='A blister pack'></body></html>")
    document = upload(server, "leaflet.html", page.encode())
    body = everything(server, document)
    assert "Swallow whole." in body and "with food" in body and "Age: adult; mg: 5" in body and "A blister pack" in body
    assert "alert" not in body and "menu" not in body


def test_csv_and_json_are_read_whatever_their_dialect(server):
    body = everything(server, upload(server, "a.csv", "Name;Dose\n\"Aspirin; coated\";100 mg\nCaf\u00e9ine;50 mg\n".encode("cp1252")))
    assert "Name: Aspirin; coated; Dose: 100 mg" in body and "Caféine" in body
    body = everything(server, upload(server, "a.json", json.dumps({"drug": {"name": "digoxin", "levels": [0.5, 2], "notes": {"text": "narrow range"}}}).encode()))
    assert "name: digoxin" in body and "levels: 0.5, 2" in body and "narrow range" in body
    body = everything(server, upload(server, "a.jsonl", b'{"a": "lines one"}\n\n{"a": "lines two"}\n'))
    assert "lines one" in body and "lines two" in body
    assert "zwölf" in everything(server, upload(server, "u.txt", "\ufeffzwölf Tropfen".encode("utf-16-le")))


def test_a_content_list_brings_text_tables_equations_and_images(server):
    items = [{"type": "text", "text": "Kinetics", "text_level": 1, "page_idx": 0}, {"type": "text", "text": "Clearance is linear.", "page_idx": 0},
             {"type": "table", "table_body": "<table><tr><td>h</td><td>mg/l</td></tr><tr><td>1</td><td>8</td></tr></table>", "table_caption": ["Levels"], "page_idx": 1},
             {"type": "equation", "latex": "C = C_0 e^{-kt}", "text": "decay of the level", "page_idx": 1},
             {"type": "image", "data": base64.b64encode(PNG).decode(), "img_caption": "A curve", "img_path": "/etc/passwd", "page_idx": 2}]
    status, answer = post(server, "/documents/content_list", {"content_list": items, "document_id": "kinetics", "wait_ms": 20000})
    assert status == 200, answer
    found = chunks(server, answer["result"]["document"])
    assert [(c["kind"], c["page"]) for c in found] == [("text", 1), ("table", 2), ("equation", 2), ("image", 3)]
    assert "h: 1; mg/l: 8" in found[1]["text"] and found[2]["item"]["latex"] == "C = C_0 e^{-kt}"
    assert found[3]["item"]["asset_id"].startswith("ast_") and "root:" not in json.dumps(found)


SPL = pathlib.Path(os.environ.get("RAG_SPL", harness.TOP.parent / "shared/data/spl"))


@pytest.mark.skipif(not (SPL / "humira.xml").exists(), reason="the folder of drug labels is not here (RAG_SPL)")
def test_a_drug_label_is_known_by_its_sections_and_products(server):
    document = upload(server, "humira.xml", (SPL / "humira.xml").read_bytes(), wait_ms=30000)
    found = chunks(server, document)
    assert document["title"] == "Humira (Adalimumab), AbbVie Inc." and document["subject"] == "Adalimumab"
    meta = document["metadata"]
    assert meta["set_id"] == "608d4f0d-b19f-46d3-749a-7159aa5f933d" and "0074-3799" in meta["ndc"] and meta["ingredients"] == ["ADALIMUMAB"]
    boxed = [c for c in found if c["kind"] == "boxed_warning"]
    assert len(boxed) == 1 and boxed[0]["code"] == "34066-1" and "tuberculosis" in boxed[0]["text"]
    assert any(c["code"] == "34084-4" and c["kind"] == "table" for c in found if "code" in c)


# ---- Hostile files: an answer each, and a server that goes on ----

def bomb(size=64 << 20):
    return package({"word/document.xml": b"<a>" + b" " * size + b"</a>"})


HOSTILE = {
    "bomb.docx": (bomb(), "too_large"),
    "entities.xml": (b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]><x>&b;</x>', "malformed"),
    "outside.xml": (b'<?xml version="1.0"?><!DOCTYPE x SYSTEM "x" [<!ENTITY a SYSTEM "file:///etc/passwd">]><x>&a;</x>', "malformed"),
    "deep.xml": (b"<?xml version='1.0'?>" + b"<a>" * 100000 + b"x" + b"</a>" * 100000, "malformed"),
    "deep.json": (b"[" * 100000 + b"]" * 100000, "malformed"),
    "cut.docx": (docx()[:300], "malformed"),
    "cut.pdf": (LEAFLET[:200], "malformed"),
    "not.pdf": (b"this is no pdf at all", "unsupported_media"),
    "not.docx": (b"PK\x03\x04 nothing", "malformed"),
    "zeros.txt": (b"\0" * 1000, "malformed"),
    "odd.txt": (b"\xff\xfe\x41", "malformed"),
    "blank.txt": (b" \n\t \r\n", "empty"),
    "empty.html": (b"<html><script>x</script></html>", "empty"),
    "parts.docx": (package({f"p{i}": b"" for i in range(10001)}), "too_large"),
    "fake.png": (b"\x89PNG\r\n\x1a\n" + b"\0" * 64, None),
    "loop.pdf": (b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[2 0 R]/Count 1>>endobj\ntrailer<</Root 1 0 R>>\n", None),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_fails_alone_and_says_why(server, name):
    data, code = HOSTILE[name]
    if name.endswith("cut.pdf") and not shutil.which("pdftotext"):
        code = "no_parser"
    document = upload(server, name, data, wait_ms=60000)
    assert document["state"] == "failed" and document["error"]["message"]
    assert code is None or document["error"]["code"] == code, document["error"]
    assert "root:" not in json.dumps(document)


def test_a_deep_page_is_cut_off_and_does_no_harm(server):
    document = upload(server, "deep.html", b"<div>" * 50000 + b"<p>deep down</p>")
    assert document["state"] in ("indexed", "failed")
    assert server.get("/livez")[0] == 200


@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/shadow", "a\0b.txt", "x'; DROP TABLE document;--.txt", '"quoted\\".txt', "<img src=x onerror=alert(1)>.txt",
                                  "$(touch /tmp/weir-pwned)`id`|cat.txt", "\u202etxt.exe", "%s%n%x.txt", "-rf.txt", "con\nfile.txt"])
def test_a_name_is_only_ever_words(server, name):
    raw = f'--e\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\nSome words of {len(name)} here.\r\n--e\r\nContent-Disposition: form-data; name="wait_ms"\r\n\r\n20000\r\n--e--\r\n'
    status, answer, _ = server.request("POST", "/documents/upload", raw.encode(), {"Content-Type": "multipart/form-data; boundary=e"})
    assert status in (200, 400), answer
    assert not pathlib.Path("/tmp/weir-pwned").exists()
    if status == 200:
        document = json.loads(answer)["result"]["document"]
        assert document["id"].startswith("doc_") and not any(ord(c) < 32 or c == "\u202e" for c in document["file"])
        assert server.request("DELETE", f"/documents/{document['id']}")[0] == 200
    data = pathlib.Path(server.folder.name) / "data"
    assert {p.name for p in data.iterdir() if not p.name.startswith("library")} <= {"blobs", "index"}


# ---- The routes ----

def test_documents_are_listed_by_pages_and_filters(server):
    for i in range(5):
        text(server, f"Listing number {i} speaks of lists.", document_id=f"list/{i}", tags=["listed", f"n{i}"], metadata={"n": i})
    first = server.json("/documents?prefix=list/&limit=2")
    assert [d["file"] for d in first["documents"]] == ["list/0", "list/1"] and first["next_cursor"]
    rest = server.json(f"/documents?prefix=list/&limit=10&cursor={first['next_cursor']}")
    assert [d["file"] for d in rest["documents"]] == ["list/2", "list/3", "list/4"] and rest["next_cursor"] is None
    assert [d["file"] for d in server.json("/documents?tag=n3")["documents"]] == ["list/3"]
    assert server.json("/documents?q=LIST/4")["documents"][0]["metadata"] == {"n": 4}
    assert server.get("/documents?limit=0")[0] == 422 and server.get("/documents?what=1")[0] == 422
    assert server.get("/documents/doc_none")[0] == 404


def test_a_document_is_replaced_whole_and_deleted_exactly(server):
    ask = lambda q: words(server.events(q))
    first = text(server, "# Okapi\n\nOkapis graze in Ituri.", document_id="okapi")
    assert "Ituri" in ask("Where do okapis graze?")
    second = text(server, "# Okapi\n\nOkapis graze in Epulu.", document_id="okapi")
    assert second["id"] == first["id"] and second["version"] == 2
    answer = ask("Where do okapis graze?")
    assert "Epulu" in answer and "Ituri" not in answer
    status, again = post(server, "/documents/text", {"text": "# Okapi\n\nOkapis graze in Epulu.", "document_id": "okapi"})
    assert status == 200 and again["result"]["outcome"] == "unchanged"
    assert post(server, "/documents/text", {"text": "x y", "document_id": "okapi", "if_exists": "error"})[0] == 409
    assert post(server, "/documents/text", {"text": "x y", "document_id": "okapi", "if_exists": "skip"})[1]["result"]["outcome"] == "exists"
    assert post(server, "/documents/delete", {"document_ids": [first["id"], "doc_none"]})[1] == {"deleted": 1}
    assert "Epulu" not in ask("Where do okapis graze?")
    assert server.request("DELETE", f"/documents/{first['id']}")[0] == 404


def test_an_idempotency_key_gets_the_first_answer_again(server):
    body = {"text": "Idempotent words.", "document_id": "idem"}
    first = post(server, "/documents/text", body, {"Idempotency-Key": "k1"})
    assert post(server, "/documents/text", body, {"Idempotency-Key": "k1"}) == first
    status, answer = post(server, "/documents/text", {**body, "text": "Other words."}, {"Idempotency-Key": "k1"})
    assert status == 409 and answer["error"]["code"] == "idempotency_mismatch"
    removal = {"document_ids": [first[1]["result"]["id"]]}
    assert post(server, "/documents/delete", removal, {"Idempotency-Key": "k1"}) == (200, {"deleted": 1})
    assert post(server, "/documents/delete", removal, {"Idempotency-Key": "k1"}) == (200, {"deleted": 1}), "as it was answered first"
    assert post(server, "/documents/delete", removal)[1] == {"deleted": 0}
    job = post(server, "/reindex", {}, {"Idempotency-Key": "again"})[1]
    harness.until(lambda: finished(server), 20, "the reindex")
    assert post(server, "/reindex", {}, {"Idempotency-Key": "again"})[1] == job


def test_a_second_request_while_the_first_with_its_key_runs_is_told_so(server):
    big = {"texts": [{"document_id": f"busy-{i}", "text": f"Word{i} " * 3000} for i in range(60)], "wait_ms": 20000}
    answers = []
    for _ in range(2):
        threading.Thread(target=lambda: answers.append(post(server, "/documents/texts", big, {"Idempotency-Key": "busy"}))).start()
    harness.until(lambda: len(answers) == 2, 40, "both answers")
    refused = [body["error"]["code"] for status, body in answers if status == 409]
    kept = [body for status, body in answers if status != 409]
    assert refused in ([], ["busy"]) and kept
    assert post(server, "/documents/texts", big, {"Idempotency-Key": "busy"})[1] == kept[0]
    post(server, "/documents/delete", {"document_ids": [r["id"] for r in kept[0]["results"]]})


@pytest.mark.parametrize("path, body, field", [
    ("/documents/text", {}, "/text"), ("/documents/text", {"text": 5}, "/text"), ("/documents/text", {"text": "x", "tags": "a"}, "/tags"),
    ("/documents/text", {"text": "x", "metadata": {"a": {}}}, "/metadata"), ("/documents/text", {"text": "x", "parser": "magic"}, "/parser"),
    ("/documents/text", {"text": "x", "wait_ms": -1}, "/wait_ms"), ("/documents/texts", {"texts": []}, "/texts"),
    ("/documents/texts", {"texts": [{"text": "a"}, {}]}, "/text"), ("/documents/content_list", {"content_list": {}}, "/content_list"),
    ("/documents/process", {}, "/source"), ("/documents/process", {"source": {"s3": {"bucket": "abc", "key": "k"}}}, "/source/s3"),
    ("/documents/process", {"source": {"url": "https://169.254.169.254/latest"}}, "/source/url"), ("/documents/delete", {"document_ids": "x"}, "/document_ids"),
    ("/reindex", {"stages": ["dance"]}, "/stages")])
def test_what_is_wrong_with_a_request_is_named(server, path, body, field):
    status, answer = post(server, path, body)
    assert status == 422 and answer["error"]["field"] == field and answer["error"]["message"]


def test_nearly_equal_documents_are_told(server):
    many = " ".join(f"Sentence {i} is about matters of quantity {i * 7919 % 1000} and more." for i in range(120))
    first = text(server, many, document_id="near/1")
    second = text(server, many.replace("Sentence 60 ", "Phrase 60 "), document_id="near/2")
    assert second["near_duplicate_of"] == first["id"] and second["near_duplicate_percent"] >= 80
    status, answer = post(server, "/documents/text", {"text": many, "document_id": "near/3"})
    assert answer["result"]["outcome"] == "alias" and answer["result"]["document"]["alias_of"] == first["id"]


def test_a_job_tells_its_errors_by_file_and_can_be_tried_again(server):
    body, headers = multipart([("fine.txt", b"Fine words here."), ("bad.pdf", b"no pdf"), ("bad.docx", b"PK\x03\x04")], wait_ms=20000)
    status, answer, _ = server.request("POST", "/documents/upload", body, headers)
    job = json.loads(answer)["job"]
    assert job["state"] == "partial" and job["documents"] == {"total": 3, "done": 1, "failed": 2}
    assert sorted(e["file"] for e in job["errors"]) == ["bad.docx", "bad.pdf"] and all(e["message"] and e["stage"] for e in job["errors"])
    events = server.get(f"/jobs/{job['id']}/events")[1].decode()
    assert events.count("event: document") == 2 and "event: done" in events
    status, again = post(server, f"/jobs/{job['id']}/retry", {})
    assert status == 202 and again["documents"]["total"] == 2
    assert server.request("POST", f"/jobs/{job['id']}/cancel")[0] == 409
    assert server.request("POST", "/jobs/job_none/cancel")[0] == 404


def test_a_reindex_keeps_every_document_and_says_its_generation(server):
    document = text(server, "Reindexed words about narwhals.", document_id="narwhal")
    before = server.json("/health")["index"]
    assert post(server, "/reindex", {"dry_run": True})[1]["dry_run"] is True
    assert post(server, "/reindex", {"reason": "test"})[0] == 202
    done = harness.until(lambda: finished(server), 60, "the reindex")
    after = server.json("/health")["index"]
    assert done["generation"] == after["generation"] == before["generation"] + 1 and after["chunks"] == before["chunks"]
    assert "narwhals" in words(server.events("narwhals"))
    assert chunks(server, document)


METRICS = """rag_requests_total{route,code} counter, rag_stage_seconds{stage} histogram, rag_first_token_seconds{engine} histogram,
rag_stream_end_total{reason} counter, rag_heartbeats_total counter, rag_inflight gauge, rag_queue_depth gauge, rag_documents{state} gauge,
rag_chunks gauge, rag_job_seconds histogram, rag_engine_state{engine} gauge, rag_engine_errors_total{engine,code} counter,
rag_cache_total{kind,hit} counter, rag_ungrounded_sentences_total counter, rag_no_context_total counter, rag_outbox_lag gauge, rag_index_bytes gauge"""


def test_metrics_have_exactly_the_names_and_labels_that_are_documented(server):
    text(server, "Words that were there before.", document_id="counted before")
    assert server.get("/nowhere")[0] == 404 and server.events("ibuprofen")[-1][0] == "done"
    lines = server.get("/metrics")[1].decode().splitlines()
    found = {}
    for line in lines:
        if line.startswith("# TYPE"):
            name, kind = line.split()[2:4]
            found[name] = [kind, []]
        elif not line.startswith("#"):
            series, labels = re.match(r"(\w+)(?:{(.*)})? [0-9.e+-]+$", line).groups()
            assert series in (name, f"{name}_bucket", f"{name}_sum", f"{name}_count"), "each line stands below its family"
            found[name][1] = found[name][1] or [label for label in re.findall(r'(\w+)="', labels or "") if label != "le"]
    named = [name + ("{" + ",".join(labels) + "}" if labels else "") for name, (_, labels) in found.items()]
    assert sorted(f"{n} {kind}" for n, (kind, _) in zip(named, found.values())) == sorted(re.split(r",\s+", METRICS))
    documented = (harness.TOP / "docs/rag-metrics.md").read_text()
    assert not [name for name in named if f"`{name}`" not in documented]
    for line in ('rag_requests_total{route="none",code="404"} ', 'rag_requests_total{route="POST /chat",code="200"} ', 'rag_documents{state="indexed"} ',
                 'rag_stage_seconds_count{stage="parsing"} ', 'rag_stage_seconds_count{stage="retrieving"} ', "rag_job_seconds_count "):
        assert any(at.startswith(line) and float(at.split()[-1]) > 0 for at in lines), line


def counted(server, name):
    return float(next(line.split()[-1] for line in server.get("/metrics")[1].decode().splitlines() if line.startswith(name + " ")))


def test_metrics_count_jobs_and_answers_given_again(server):
    names = ("rag_job_seconds_count", 'rag_cache_total{kind="idempotency",hit="true"}', 'rag_cache_total{kind="idempotency",hit="false"}')
    before = [counted(server, name) for name in names]
    for _ in range(3):
        status, _ = post(server, "/documents/text", {"text": "Counted words.", "document_id": "counted", "wait_ms": 20000},
                         {"Idempotency-Key": "counted"})
        assert status == 200
    assert [counted(server, name) - was for name, was in zip(names, before)] == [1, 2, 1]
    assert counted(server, "rag_job_seconds_sum") >= 0


def test_cancelling_leaves_what_was_read_and_stops_the_rest():
    with Ragd(RAG_WORKERS="1", **EMPTY) as server:
        texts = [{"text": f"Cancel {i}. " + "words and words " * 3000, "document_id": str(i)} for i in range(300)]
        status, answer = post(server, "/documents/texts", {"texts": texts})
        assert status == 202
        assert server.request("POST", f"/jobs/{answer['job']['id']}/cancel")[0] == 202
        job = server.json(f"/jobs/{answer['job']['id']}")
        assert job["state"] == "cancelled" and job["documents"]["failed"] > 0
        harness.until(lambda: server.json("/health")["jobs"]["working"] == 0, 20, "the workers to rest")
        assert server.json("/documents?state=pending")["documents"] == []


# ---- Keys, limits ----

KEYS = "read:reading-key-000001,write:writing-key-00001,admin:admin-key-00000001"


def test_keys_have_roles():
    with Ragd(RAG_API_KEYS=KEYS, **EMPTY) as server:
        def status(method, path, key=None, body=None):
            headers = {"Content-Type": "application/json", **({"Authorization": f"Bearer {key}"} if key else {})}
            return server.request(method, path, body, headers)[0]
        assert status("GET", "/health") == 200 and status("GET", "/documents") == 401
        assert status("GET", "/documents", "wrong-key-00000001") == 401
        assert status("GET", "/documents", "reading-key-000001") == 200
        new = json.dumps({"text": "Keyed words."})
        assert status("POST", "/documents/text", "reading-key-000001", new) == 403
        assert status("POST", "/documents/text", "writing-key-00001", new) == 202
        assert status("POST", "/reindex", "writing-key-00001", "{}") == 403
        assert status("POST", "/reindex", "admin-key-00000001", "{}") == 202
        large = b"x" * (2 << 20)
        assert status("POST", "/documents/upload", None, large) == 413, "a stranger's large body is not read"
        assert "reading-key" not in server.log()


def test_a_client_that_asks_too_often_is_told_to_wait():
    with Ragd(RAG_RATE_PER_MINUTE="5", **EMPTY) as server:
        statuses = [server.get("/documents")[0] for _ in range(7)]
        assert statuses[:5] == [200] * 5 and statuses[-1] == 429
        status, body, headers = server.get("/documents")
        assert json.loads(body)["error"]["code"] == "rate_limited" and int(headers["Retry-After"]) >= 1
        assert server.get("/health")[0] == 200


def test_too_large_is_refused_before_and_after_it_came():
    with Ragd(RAG_DOCUMENT_MAX_BYTES="5000", **EMPTY) as server:
        body, headers = multipart([("big.txt", b"x" * 6000)])
        status, answer, _ = server.request("POST", "/documents/upload", body, headers)
        assert status == 413 and json.loads(answer)["error"]["code"] == "too_large"
        assert server.request("POST", "/documents/upload", b"x" * 200000, headers)[0] == 413


# ---- Originals elsewhere ----

def test_a_task_without_keys_of_its_own_asks_for_them():
    seen = {}

    class Surroundings(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            asked = self.path == "/keys"
            seen[self.path] = dict(self.headers)
            body = json.dumps({"AccessKeyId": "ASIAX", "SecretAccessKey": "s3cret-for-a-while", "Token": "session"}) if asked else "# Gannets\n\nGannets dive for mackerel."
            allowed = not asked or self.headers.get("Authorization") == "t0ken"
            self.send_response(200 if allowed else 403)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Surroundings) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        endpoint = f"http://127.0.0.1:{server.server_port}"
        for token, state in [("t0ken", "indexed"), ("wrong", "failed")]:
            with Ragd(S3_BUCKET="labels", AWS_ENDPOINT_URL=endpoint, AWS_CONTAINER_CREDENTIALS_FULL_URI=f"{endpoint}/keys",
                      AWS_CONTAINER_AUTHORIZATION_TOKEN=token, **EMPTY) as ragd:
                answer = post(ragd, "/documents/process", {"source": {"s3": {"bucket": "labels", "key": "k.md"}}, "wait_ms": 10000})[1]
                assert answer["result"]["document"]["state"] == state, answer
        assert seen["/labels/k.md"]["Authorization"].startswith("AWS4-HMAC-SHA256 Credential=ASIAX/")
        assert seen["/labels/k.md"]["X-Amz-Security-Token"] == "session"
        server.shutdown()


def test_objects_in_s3_are_fetched_signed_and_only_from_listed_buckets():
    seen = []

    class S3(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            seen.append((self.path, self.headers.get("Authorization", ""), self.headers.get("Host")))
            body = b"# Gannets\n\nGannets dive for mackerel." if "missing" not in self.path else b"<Error/>"
            self.send_response(200 if "missing" not in self.path else 404)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), S3) as s3:
        threading.Thread(target=s3.serve_forever, daemon=True).start()
        endpoint = f"http://127.0.0.1:{s3.server_port}"
        with Ragd(S3_BUCKET="labels", S3_PREFIX="in/", S3_ENDPOINT=endpoint, AWS_ACCESS_KEY_ID="AKIDX", AWS_SECRET_ACCESS_KEY="s3cret-of-ours",
                  **EMPTY) as server:
            def process(bucket, key):
                return post(server, "/documents/process", {"source": {"s3": {"bucket": bucket, "key": key}}, "wait_ms": 10000})
            status, answer = process("labels", "in/a bird+.md")
            assert status == 200 and answer["result"]["document"]["state"] == "indexed", answer
            path, authorization, _ = seen[0]
            assert path == "/labels/in/a%20bird%2B.md" and authorization.startswith("AWS4-HMAC-SHA256 Credential=AKIDX/")
            assert "mackerel" in words(server.events("gannets"))
            document = process("labels", "in/missing")[1]["result"]["document"]
            assert document["error"]["code"] == "not_found" and document["error"]["stage"] == "fetching"
            assert process("labels", "out/a")[0] == 422 and process("other", "in/a")[0] == 422 and len(seen) == 2
            assert "s3cret" not in server.log()
        s3.shutdown()


def test_check_says_what_is_wrong_and_shows_no_secret(tmp_path):
    def check(*arguments, **environment):
        clean = {k: v for k, v in os.environ.items() if not k.startswith(("RAG_", "OPENAI_", "S3_", "AWS_"))}
        return subprocess.run([harness.BUILD / "ragd", "check", "--data", tmp_path, *arguments], env={**clean, **environment},
                              capture_output=True, text=True)
    good = check("--documents", "", RAG_API_KEYS=KEYS, OPENAI_BASE_URL="http://h/v1", OPENAI_API_KEY="sk-hidden-away")
    assert good.returncode == 0 and "ragd can start." in good.stdout
    assert "reading-key" not in good.stdout and "sk-hidden" not in good.stdout
    bad = check("--documents", "/nowhere", "--host", "0.0.0.0")
    assert bad.returncode == 2 and "no such folder" in bad.stdout and "RAG_API_KEYS" in bad.stdout
    assert list(tmp_path.iterdir()) == []


# ---- Crashes ----

def test_no_acknowledged_document_is_lost_by_kills(tmp_path):
    """RAG_KILLS says how often (200 for the full proof); each at a random instant of taking in, of keeping the
    index, or of a reindex. Documents have enough passages for the index to be written in the middle of it."""
    kills, acknowledged, rng = int(os.environ.get("RAG_KILLS", "6")), {}, random.Random(7)
    sections = 16
    server = Ragd(**EMPTY)
    for turn in range(kills + 1):
        server.__enter__()
        if turn == kills:
            break
        until = time.monotonic() + rng.uniform(0.02, 0.8)
        try:
            number = 0
            while time.monotonic() < until:
                name = f"k{rng.randrange(40)}"
                token = f"tokens{turn}x{number}"
                body = f"# {name}\n\n" + "".join(f"## Part {i}\n\nTurn {turn} of {name} says {token}. " + "more words " * rng.randrange(60) + "\n\n"
                                                 for i in range(sections))
                if rng.random() < 0.02:
                    post(server, "/reindex", {})
                status, answer = post(server, "/documents/text", {"text": body, "document_id": name})
                assert status in (200, 202), answer
                acknowledged[name] = token
                number += 1
        finally:
            server.process.send_signal(signal.SIGKILL)
            server.process.wait()
    harness.until(lambda: server.json("/health")["jobs"] == {"running": 0, "working": 0} and
                  not server.json("/documents?state=pending")["documents"], 60, "all to be read")
    held = {d["file"]: d for d in server.json("/documents?limit=500")["documents"]}
    for name, token in acknowledged.items():
        assert held[name]["state"] == "indexed", held.get(name)
        parts = [c["text"] for c in chunks(server, held[name])]
        assert len(parts) == sections and all(f" {token}." in p for p in parts), (name, token, parts)
        found = post(server, "/query/data", {"query": token, "mode": "lexical", "chunk_top_k": 50})[1]["data"]["chunks"]
        assert {c["file_path"] for c in found} == {name}, (name, token)
    if kills > 20:
        assert list((pathlib.Path(server.folder.name) / "data/index").iterdir()), "the index was kept at some time"
    server.__exit__(None, None, None)
