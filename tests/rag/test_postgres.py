"""PostgreSQL as the library's store: the same answers, and what holds when it goes away. A server of the tests' own."""
import contextlib
import json
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import threading

import harness
import pytest
from postgres import Between, Postgres
from rag_harness import SAMPLES, Ragd, finished, words
from test_engines import FakeEngine, data, embedded

SPL = pathlib.Path(os.environ.get("RAG_SPL", harness.TOP.parent / "shared/data/spl"))
QUESTIONS = ["ibuprofen side effects", "Can I take ibuprofen with aspirin?", "How much caffeine is safe?", "sleep hygiene", "metformin and the kidneys",
             "paracetamol and alcohol", "What interacts with atorvastatin?", "missed dose of adalimumab", "storage in the refrigerator",
             "What should pregnant women know about caffeine?", "insomnia treatment", "liver damage"]


@pytest.fixture(scope="module")
def postgres():
    with Postgres() as running:
        yield running


def on(postgres, schema, documents=SAMPLES, **environment):
    return Ragd(documents=documents, DATABASE_URL=postgres.url, RAG_DATABASE_SCHEMA=schema, RAG_PACE_MS="0", **environment)


def post(server, path, body):
    status, answer, _ = server.request("POST", path, json.dumps(body), {"Content-Type": "application/json"})
    return status, json.loads(answer)


def found(server, question, mode="mix"):
    data = post(server, "/query/data", {"query": question, "mode": mode, "chunk_top_k": 10})[1]["data"]
    return [(c["chunk_id"], c["scores"]) for c in data["chunks"]]


def read_all(server):
    harness.until(lambda: server.json("/health")["jobs"] == {"running": 0, "working": 0} and
                  not server.json("/documents?state=pending")["documents"], 60, "all to be read", despite=KeyError)


@pytest.mark.parametrize("name", ["ingest", "corpus", "catalog"])
def test_the_suites_of_the_library_hold_on_postgres(postgres, name):
    program = harness.BUILD / f"tests/unit/rag/test_rag_{name}"
    if not program.exists():
        pytest.skip("the unit tests are not built")
    done = subprocess.run([program], env={**os.environ, "RAG_TEST_DATABASE_URL": postgres.url}, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]


def test_the_same_ten_are_found_on_both_stores(postgres, tmp_path):
    for source in [*SAMPLES.glob("*.md"), *(SPL / n for n in ("lipitor-orig.xml", "lipitor-repack.xml", "cough.xml"))]:
        if source.exists():
            (tmp_path / source.name).write_bytes(source.read_bytes())
    with Ragd(documents=tmp_path, RAG_PACE_MS="0", DATABASE_URL="") as files, on(postgres, "same", tmp_path) as rows:
        read_all(files)
        read_all(rows)
        assert rows.json("/health")["engines"]["store"] == {"kind": "postgres", "state": "ok"}
        assert files.json("/health")["engines"]["store"] == {"kind": "sqlite", "state": "ok"}
        for question in QUESTIONS:
            for mode in ("mix", "lexical", "naive", "local"):
                assert found(rows, question, mode) == found(files, question, mode), (question, mode)
        assert words(rows.events(QUESTIONS[0])) == words(files.events(QUESTIONS[0]))


def test_what_was_acknowledged_is_there_after_a_kill_and_originals_are_in_the_database(postgres):
    big = "# Narwhals\n\n" + "Narwhals dive under the ice. " * 6000
    server = on(postgres, "kept", documents="")
    with server:
        assert post(server, "/documents/text", {"text": big, "document_id": "narwhal", "wait_ms": 20000})[0] == 200
        odd = b'--e\r\nContent-Disposition: form-data; name="file"; filename="o\0dd\xff"\r\n\r\nOdd \0 words, \xff\xfe halves.\r\n--e--\r\n'
        assert server.request("POST", "/documents/upload", odd, {"Content-Type": "multipart/form-data; boundary=e"})[0] in (200, 202)
        status, answer = post(server, "/documents/text", {"text": "Belugas sing.", "document_id": "beluga"})
        assert status in (200, 202), answer
        server.process.send_signal(signal.SIGKILL)
        server.process.wait()
        with server:  # another process, the same schema, and nothing of the folder but what it is given
            read_all(server)
            held = {d["file"]: d["state"] for d in server.json("/documents")["documents"]}
            assert len(held) == 3 and held["narwhal"] == held["beluga"] == "indexed", held
            assert "Narwhals dive" in words(server.events("narwhals"))
            assert post(server, "/reindex", {})[0] == 202
            harness.until(lambda: finished(server), 30, "the reindex")
            assert server.json("/health")["index"]["generation"] == 2 and server.json("/health")["index"]["documents"] == 2
            assert "Narwhals dive" in words(server.events("narwhals"))
            harness.until(lambda: postgres.ask("SELECT count(*) FROM kept.passage WHERE generation <> 2") == "0", 30, "the old generation to go")
    assert int(postgres.ask("SELECT sum(length(data)) FROM kept.blob")) > len(big)


def test_a_database_that_is_away_degrades_and_stops_nothing(postgres):
    with on(postgres, "away") as server:
        postgres.stop()
        try:
            harness.until(lambda: server.json("/health")["status"] == "degraded", 20, "the news")
            assert server.json("/health")["engines"]["store"] == {"kind": "postgres", "state": "down"}
            assert server.get("/readyz")[0] == 200
            assert "stomach" in words(server.events("ibuprofen side effects"))
            status, answer = post(server, "/documents/text", {"text": "Puffins nest in burrows.", "document_id": "puffin"})
            assert status == 503 and answer["error"]["code"] == "storage_unavailable"
            assert server.get("/documents")[0] == 503
            status, metrics, _ = server.get("/metrics")
            assert status == 200 and b'rag_engine_state{engine="store"} 0' in metrics and b"rag_first_token_seconds_count" in metrics
        finally:
            postgres.start()
        harness.until(lambda: server.json("/health")["status"] == "healthy", 20, "the return")
        status, answer = post(server, "/documents/text", {"text": "Puffins nest in burrows.", "document_id": "puffin", "wait_ms": 20000})
        assert status == 200 and "burrows" in words(server.events("puffins"))
        assert "postgresql://" not in server.log()


def test_a_database_that_crashes_while_documents_come_in_loses_none_of_them(postgres):
    acknowledged, stop = set(), threading.Event()
    with on(postgres, "crash", documents="") as server:
        def feed():
            number = 0
            while not stop.is_set():
                number += 1
                if post(server, "/documents/text", {"text": f"Word{number} stands here.", "document_id": f"d{number}"})[0] in (200, 202):
                    acknowledged.add(f"d{number}")
        feeding = threading.Thread(target=feed)
        feeding.start()
        for _ in range(2):
            before = len(acknowledged)
            harness.until(lambda: len(acknowledged) > before + 5, 30, "more documents")
            postgres.stop(signal.SIGQUIT)
            postgres.start()
        before = len(acknowledged)
        harness.until(lambda: len(acknowledged) > before + 5, 30, "documents after the crash")
        stop.set()
        feeding.join()
        read_all(server)
        held = {d["file"]: d["state"] for d in server.json("/documents?limit=500")["documents"]}
        assert acknowledged <= set(held) and set(held.values()) == {"indexed"}
        last = max(acknowledged, key=lambda name: int(name[1:]))
        assert found(server, f"Word{last[1:]}"), "what was committed around the crash is searched too"


def test_a_document_whose_commit_was_in_doubt_is_searched_once_the_database_is_back(postgres):
    with Between(postgres) as between, Ragd(documents="", DATABASE_URL=between.url, RAG_DATABASE_SCHEMA="doubt") as server:
        assert post(server, "/documents/text", {"text": "Kittiwakes nest on ledges.", "document_id": "first", "wait_ms": 20000})[0] == 200
        between.cut("Puffins", 2)
        assert post(server, "/documents/text", {"text": "Puffins nest in burrows.", "document_id": "puffin"})[0] == 202
        assert between.happened.wait(30)
        harness.until(lambda: "unknown whether it happened" in server.log(), 30, "the end of asking")
        assert postgres.ask("SELECT state FROM doubt.document WHERE key = 'puffin'") == postgres.ask(
            "SELECT state FROM doubt.document WHERE key = 'first'"), "the server has it as read"
        assert not found(server, "Puffins"), "nobody knows yet"
        between.open()
        harness.until(lambda: found(server, "Puffins"), 30, "the document in the index")
        assert len(found(server, "Kittiwakes")) == 1 and server.json("/health")["index"]["documents"] == 2
        assert post(server, "/documents/text", {"text": "Guillemots nest on rocks.", "document_id": "third", "wait_ms": 20000})[0] == 200
        assert found(server, "Guillemots") and found(server, "Puffins")


PUBLISHING = "\0\0\0\ngeneration"  # as the setting's name is sent: ten bytes


@pytest.mark.parametrize("killed", [True, False], ids=["killed", "waiting"])
def test_a_reindex_whose_last_commit_was_in_doubt_is_told_by_what_happened_and_is_not_done_again(postgres, killed):
    schema = f"publish_{killed}".lower()
    with Between(postgres) as between:
        with Ragd(documents="", DATABASE_URL=between.url, RAG_DATABASE_SCHEMA=schema) as server:
            assert post(server, "/documents/text", {"text": "Kittiwakes nest on ledges.", "document_id": "first", "wait_ms": 20000})[0] == 200
            between.cut(PUBLISHING, 1)
            assert post(server, "/reindex", {})[0] == 202
            assert between.happened.wait(30)
            if killed:
                server.process.kill()
                server.process.wait()
                between.open()
                with server:
                    check_published(server)
            else:
                harness.until(lambda: "unknown whether it happened" in server.log(), 30, "the end of asking")
                between.open()
                check_published(server)


def check_published(server):
    job = harness.until(lambda: finished(server), 30, "the reindex to be over", despite=(AssertionError, KeyError))
    assert (job["state"], job["generation"], job["documents"]["done"]) == ("succeeded", 2, 1)
    harness.until(lambda: server.json("/health")["index"]["generation"] == 2, 30, "the index to follow")
    index = server.json("/health")["index"]
    assert index["building"] is None and index["documents"] == 1 and len(found(server, "Kittiwakes")) == 1


def test_one_ragd_a_schema_and_each_trouble_in_a_sentence(postgres, tmp_path):
    def start(url, schema="one", *arguments):
        return subprocess.run([harness.BUILD / "ragd", *arguments, "--port", "0", "--documents", "", "--data", tmp_path], capture_output=True,
                              text=True, timeout=30, env={**os.environ, "DATABASE_URL": url, "RAG_DATABASE_SCHEMA": schema})
    with on(postgres, "one", documents=""):
        second = start(postgres.url)
        assert second.returncode == 2 and "another ragd is using the schema one" in second.stderr
    assert "no postgresql:// URL" in start("postgresql://u:hidden@[::1").stderr
    refused = start(postgres.url.replace("/postgres?", "/nowhere?"))
    assert refused.returncode == 2 and 'database "nowhere" does not exist' in refused.stderr
    assert "takes a to z" in start(postgres.url, 'x"; DROP SCHEMA one').stderr
    check = start(postgres.url, "one", "check")
    assert check.returncode == 0 and "PostgreSQL 1" in check.stdout and "schema one" in check.stdout
    lost = start("postgresql://u:hidden@127.0.0.1:1/x", "one", "check")
    assert lost.returncode == 2 and "hidden" not in lost.stdout + lost.stderr and "refused" in lost.stdout


def test_a_database_that_starts_later_is_waited_for(postgres):
    postgres.stop()
    server = on(postgres, "later", documents="")
    starting = threading.Thread(target=server.__enter__)
    try:
        starting.start()
        harness.until(lambda: hasattr(server, "process") and "trying again" in server.log(), 20, "a word about it")
        assert server.process.poll() is None
    finally:
        postgres.start()
    starting.join(40)
    assert server.json("/health")["status"] == "healthy"
    server.__exit__(None, None, None)


# ---- Vectors of an embeddings engine ----

@contextlib.contextmanager
def pglite():
    """pgvector is not in Debian 12; npm has a real one, in WebAssembly."""
    if not shutil.which("npm") or not shutil.which("node"):
        pytest.skip("no npm here")
    with tempfile.TemporaryDirectory() as folder:
        packages = ["@electric-sql/pglite@0.5.14", "@electric-sql/pglite-socket@0.2.17", "@electric-sql/pglite-pgvector@0.0.15"]
        try:
            installed = subprocess.run(["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", *packages], cwd=folder,
                                       capture_output=True, timeout=90)
        except subprocess.TimeoutExpired:
            pytest.skip("npm did not answer in time")
        if installed.returncode:
            pytest.skip("npm cannot install PGlite here")
        script = shutil.copy(harness.TOP / "tests/rag/pglite.mjs", folder)
        port = harness.free_port()
        process = subprocess.Popen(["node", script, str(port)], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        try:
            assert process.stdout.readline() == b"listening\n"
            yield f"postgresql://postgres@127.0.0.1:{port}/postgres?sslmode=disable"
        finally:
            process.kill()
            process.wait()


def scores_of(chunks):
    return [(c["chunk_id"], {k: pytest.approx(v, abs=1e-4) for k, v in c["scores"].items() if v is not None}) for c in chunks]


def bare(chunks):
    return [(c["chunk_id"], {k: v for k, v in c["scores"].items() if v is not None}) for c in chunks]


def test_the_same_ten_are_found_where_the_database_compares_vectors():
    with pglite() as url, FakeEngine() as one, FakeEngine() as other:
        with Ragd(DATABASE_URL="", EMBEDDING_BASE_URL=one.url, EMBEDDING_MODEL="m") as files, \
                Ragd(DATABASE_URL=url, RAG_DATABASE_CONNECTIONS="1", EMBEDDING_BASE_URL=other.url, EMBEDDING_MODEL="m") as rows:
            harness.until(lambda: embedded(files, one) and embedded(rows, other), 60, "the vectors")
            assert rows.json("/health")["engines"]["vectors"]["kind"] == "pgvector"
            assert files.json("/health")["engines"]["vectors"]["kind"] == "file"
            for question in [*QUESTIONS, "slumber", "java"]:
                for mode in ("naive", "mix"):
                    theirs = data(rows, question, mode=mode, chunk_top_k=10)
                    assert bare(theirs) == scores_of(data(files, question, mode=mode, chunk_top_k=10)), (question, mode)
            only = {"filter": {"document_ids": [c["document_id"] for c in data(files, "caffeine")[:1]]}}
            assert bare(data(rows, "java", **only)) == scores_of(data(files, "java", **only)) != []


def test_without_pgvector_vectors_are_kept_in_rows_and_asked_for_once(postgres):
    with FakeEngine() as engine:
        engines = {"EMBEDDING_BASE_URL": engine.url, "EMBEDDING_MODEL": "m"}
        with on(postgres, "vectors", **engines) as server:
            harness.until(lambda: embedded(server, engine), 30, "the vectors")
            assert server.json("/health")["engines"]["vectors"]["kind"] == "postgres"
        before = engine.embedded
        with on(postgres, "vectors", **engines) as server:  # another folder: all it has is the database
            asked = harness.until(lambda: data(server, "slumber", mode="naive"), 30, "what shares no word with the question")
            assert asked[0]["file_path"] == "sleep-hygiene.md"
            assert max(len(body["input"]) for _, _, body in engine.calls[len(engine.calls) - 1:]) == 1 and engine.embedded < before + 50, "only questions"
    assert int(postgres.ask("SELECT count(*) FROM vectors.passage_vector")) == int(postgres.ask("SELECT count(*) FROM vectors.passage"))
