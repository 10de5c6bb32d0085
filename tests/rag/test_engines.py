"""Engines that make retrieval better, and what happens without them."""
import base64
import contextlib
import http.server
import json
import re
import struct
import threading
import time
import zlib

import pytest

import harness
from rag_harness import RAGD, Ragd, words

pytestmark = pytest.mark.skipif(not RAGD.is_file(), reason=f"no ragd in {harness.BUILD}")


class FakeEngine:
    """Embeddings, rerank and pictures of an engine that knows synonyms, or misbehaves as told."""

    MEANINGS = ({"slumber", "sleep", "bed", "insomnia"}, {"java", "caffeine", "coffee"}, {"jab", "vaccination", "vaccine"})

    def __init__(self, as_floats=False):
        self.as_floats, self.status, self.delay, self.garbage = as_floats, 200, 0, False
        self.calls, self.embedded = [], 0

    def __enter__(self):
        engine = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                engine.calls.append((self.path, self.headers.get("Authorization"), body))
                time.sleep(engine.delay)
                answer = {"garbage": True} if engine.garbage else engine.answer(self.path, body)
                raw = json.dumps(answer).encode()
                with contextlib.suppress(OSError):
                    self.send_response(engine.status)
                    self.send_header("Content-Length", str(len(raw)))
                    self.end_headers()
                    self.wfile.write(raw)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/v1"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()

    def vector(self, text):
        found = [0.01] * 35
        for word in "".join(c if c.isalpha() else " " for c in text.lower()).split():
            for i, meaning in enumerate(self.MEANINGS):
                if word in meaning:
                    found[i] += 1
            found[3 + zlib.crc32(word.encode()) % 32] += 0.05
        return found

    def answer(self, path, body):
        if path.endswith("/embeddings"):
            self.embedded += len(body["input"])
            rows = [self.vector(t) for t in body["input"]]
            return {"data": [{"index": i, "embedding": r if self.as_floats else
                              base64.b64encode(struct.pack(f"<{len(r)}f", *r)).decode()} for i, r in enumerate(rows)]}
        if path.endswith("/rerank"):
            scores = [1.0 if "grapefruit" in d.lower() else 0.1 for d in body["documents"]]
            return {"results": [{"index": i, "relevance_score": s} for i, s in enumerate(scores)]}
        return {"choices": [{"message": {"content": "A box of metformin tablets and the word diarrhoea."}}]}


def data(server, query, **more):
    status, body, _ = server.request("POST", "/query/data", json.dumps({"query": query, **more}),
                                     {"Content-Type": "application/json"})
    assert status == 200, body
    return json.loads(body)["data"]["chunks"]


def embedded(server, engine):
    health = server.json("/health")
    return health["engines"]["vectors"]["pending"] == 0 and engine.embedded >= health["index"]["chunks"] > 100


@pytest.mark.parametrize("as_floats", [False, True])
def test_embeddings_find_what_shares_no_word(as_floats):
    with FakeEngine(as_floats) as engine, Ragd(EMBEDDING_BASE_URL=engine.url, EMBEDDING_MODEL="m", OPENAI_API_KEY="k") as server:
        harness.until(lambda: embedded(server, engine), 20, "the vectors")
        assert data(server, "slumber", mode="naive")[0]["file_path"] == "sleep-hygiene.md"
        path, key, body = engine.calls[0]
        assert path == "/v1/embeddings" and key == "Bearer k" and body["model"] == "m"
        assert body["encoding_format"] == "base64" and len(body["input"]) <= 64
        before = engine.embedded
        assert server.request("POST", "/reindex")[0] == 202
        harness.until(lambda: server.json("/reindex")["state"] == "succeeded" and embedded(server, engine), 20, "the reindex")
        assert engine.embedded - before <= 1, "vectors are kept, not asked for again"


@pytest.mark.parametrize("trouble", ["status", "garbage", "silence", "gone"])
def test_without_embeddings_words_find_as_ever(trouble):
    with FakeEngine() as engine:
        engine.status, engine.garbage = (500 if trouble == "status" else 200), trouble == "garbage"
        engine.delay = 3 if trouble == "silence" else 0
        url = f"http://127.0.0.1:{harness.free_port()}/v1" if trouble == "gone" else engine.url
        with Ragd(EMBEDDING_BASE_URL=url, EMBEDDING_MODEL="m", RAG_EMBEDDING_MS="1000") as server:
            events = server.events("What are the side effects of metformin?")
            assert next(d for n, d in events if n == "references")["references"][0]["file"] == "metformin.md"
            assert "degraded" in [d["code"] for n, d in events if n == "notice"] and events[-1][0] == "done"
            code = {"status": "failed", "garbage": "invalid", "silence": "timeout", "gone": "unreachable"}[trouble]
            assert re.search(f'rag_engine_errors_total{{engine="embeddings",code="{code}"}} [1-9]', server.get("/metrics")[1].decode())


def test_an_engine_that_keeps_failing_is_left_alone_and_health_says_so():
    with FakeEngine() as engine:
        engine.status = 503
        with Ragd(RERANK_BASE_URL=engine.url) as server:
            for _ in range(9):
                assert data(server, "caffeine")
            assert len(engine.calls) == 10, "five calls, each tried twice"
            health = server.json("/health")
            assert health["status"] == "degraded" and health["engines"]["rerank"]["state"] == "down"
            assert server.get("/readyz")[0] == 200
            metrics = server.get("/metrics")[1].decode()
            assert 'rag_engine_errors_total{engine="rerank",code="failed"} 5' in metrics and 'rag_engine_state{engine="rerank"} 0' in metrics


def test_a_reranker_has_the_last_word_on_the_order():
    with FakeEngine() as engine, Ragd(RERANK_BASE_URL=engine.url, RERANK_MODEL="r1", RERANK_API_KEY="secret-key") as server:
        chunks = data(server, "atorvastatin")
        assert "grapefruit" in chunks[0]["content"].lower() and chunks[0]["scores"]["rerank"] == 1
        assert engine.calls[0][1] == "Bearer secret-key" and engine.calls[0][2]["query"] == "atorvastatin"
        calls = len(engine.calls)
        data(server, "atorvastatin", enable_rerank=False)
        assert len(engine.calls) == calls and "secret-key" not in server.log()


# ---- Questions with something beside them ----

def multimodal(server, query, *items):
    status, body, _ = server.request("POST", "/query/multimodal",
                                     json.dumps({"query": query, "multimodal_content": list(items)}),
                                     {"Content-Type": "application/json"})
    return status, json.loads(body)


PICTURE = {"type": "image", "data": base64.b64encode(b"\x89PNG").decode(), "media_type": "image/png"}


def test_tables_captions_and_equations_lend_their_words():
    with Ragd() as server:
        for item in ({"type": "table", "table_data": "Medicine,Dose\nmetformin,500 mg\n", "table_caption": "side effects"},
                     {"type": "table", "table_data": [["Medicine", "Dose"], ["metformin", "500 mg"]]},
                     {"type": "table", "table_data": "| Medicine |\n|---|\n| metformin |\n"},
                     {"type": "text", "text": "metformin"}, {**PICTURE, "image_caption": ["metformin tablets"]},
                     {"type": "equation", "latex": "\\frac{metformin}{day}"}):
            status, answer = multimodal(server, "What are the side effects?", item)
            assert status == 200 and answer["references"][0]["file_path"] == "metformin.md", item


def test_a_model_that_sees_tells_what_a_picture_shows():
    with FakeEngine() as engine, Ragd(OPENAI_BASE_URL=engine.url, VLM_MODEL="eyes") as server:
        status, answer = multimodal(server, "What does this help with?", PICTURE)
        assert status == 200 and answer["references"][0]["file_path"] == "metformin.md"
        sent = engine.calls[0][2]["messages"][0]["content"][-1]["image_url"]["url"]
        assert engine.calls[0][2]["model"] == "eyes" and sent.startswith("data:image/png;base64,")
        engine.garbage = True
        status, answer = multimodal(server, "caffeine a day", PICTURE)
        assert status == 200 and answer["references"] and "degraded" in [n["code"] for n in answer["notices"]]


@pytest.mark.parametrize("item, field", [
    ({"type": "image", "img_path": "/etc/passwd"}, "/multimodal_content/0/img_path"),
    ({"type": "image"}, "/multimodal_content/0"), ({"type": "film"}, "/multimodal_content/0/type"),
    ({"type": "image", "data": "aa", "media_type": "text/html"}, "/multimodal_content/0/media_type"),
    ({"type": "table", "table_data": 7}, "/multimodal_content/0/table_data"),
    ({"type": "equation"}, "/multimodal_content/0/latex"), ({"type": "text"}, "/multimodal_content/0/text"),
])
def test_what_cannot_be_read_is_refused_with_its_place(item, field):
    with Ragd() as server:
        status, answer = multimodal(server, "caffeine", item)
        assert status == 422 and answer["error"]["field"] == field, answer
