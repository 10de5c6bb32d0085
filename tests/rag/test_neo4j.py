"""The graph shown in Neo4j. Against a fake that behaves as the Query API does, and against a real server where
RAG_TEST_NEO4J_URL (and RAG_TEST_NEO4J_PASSWORD) is set."""
import base64
import http.server
import json
import os
import pathlib
import re
import threading
import urllib.request

import pytest

import harness
from rag_harness import RAGD, Ragd

pytestmark = pytest.mark.skipif(not RAGD.is_file(), reason=f"no ragd in {harness.BUILD}")

STATEMENTS = {
    "constraint": "CREATE CONSTRAINT rag_entity_key IF NOT EXISTS FOR (n:RagEntity) REQUIRE n.pk IS UNIQUE",
    "fulltext": "CREATE FULLTEXT INDEX rag_entity_name IF NOT EXISTS FOR (n:RagEntity) ON EACH [n.name]",
    "entities": "UNWIND $rows AS r MERGE (n:RagEntity {pk:r.pk}) SET n.ws=r.ws, n.name=r.name, n.type=r.type, "
                "n.mentions=r.mentions",
    "relations": "UNWIND $rows AS r MATCH (a:RagEntity {pk:r.src}) MATCH (b:RagEntity {pk:r.dst}) MERGE "
                 "(a)-[e:RAG_REL {key:r.key}]->(b) SET e.type=r.type, e.weight=r.weight, e.chunks=r.chunks",
    "drop relations": "UNWIND $keys AS k MATCH ()-[e:RAG_REL {key:k}]->() DELETE e",
    "drop entities": "UNWIND $pks AS pk MATCH (n:RagEntity {pk:pk}) DETACH DELETE n",
    "neighbours": "UNWIND $pks AS pk MATCH (n:RagEntity {pk:pk})-[e:RAG_REL]-(m:RagEntity) RETURN pk, m.pk, m.name, m.type, e.key, e.type, "
                  "e.weight, e.chunks ORDER BY e.weight DESC LIMIT $limit",
    "touched": "UNWIND $pks AS pk MATCH (n:RagEntity {pk:pk})-[e:RAG_REL]-(m:RagEntity) WHERE e.type IN $types RETURN pk, m.pk, m.name, m.type, "
               "e.key, e.type, e.weight, e.chunks ORDER BY e.weight DESC LIMIT $limit",
    "wipe": "MATCH (n:RagEntity) WHERE n.ws=$ws WITH n LIMIT 10000 DETACH DELETE n RETURN count(n)",
}
BY_TEXT = {text: name for name, text in STATEMENTS.items()}


class FakeNeo4j:
    """Path, sign-in and statement text are checked; the statements act on a graph in memory."""

    def __init__(self, flat=False):
        self.flat = flat
        self.nodes = {"default|left over": {"ws": "default"}, "other|theirs": {"ws": "other"}}
        self.edges, self.seen, self.trouble, self.wrong, self.read, self.touched = {}, [], [], [], 0, 0

    def __enter__(self):
        fake = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                status, answer = fake.answer(self.path, self.headers.get("Authorization"), body)
                raw = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(raw)))
                self.end_headers()
                self.wfile.write(raw)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        assert not self.wrong, self.wrong

    def answer(self, path, authorization, body):
        def error(status, code):
            return status, {"errors": [{"code": code, "message": "as told"}]}
        if path != "/db/neo4j/query/v2":
            return error(404, "Neo.ClientError.Database.DatabaseNotFound")
        if authorization != "Basic " + base64.b64encode(b"neo4j:secret").decode():
            return error(401, "Neo.ClientError.Security.Unauthorized")
        name = BY_TEXT.get(body["statement"])
        if not name or "\n" in body["statement"]:
            self.wrong.append(body["statement"])
            return error(400, "Neo.ClientError.Statement.SyntaxError")
        if self.trouble:
            return self.trouble.pop(0)
        reads = name in ("neighbours", "touched")
        if reads != (body["accessMode"] == "Read"):
            self.wrong.append((name, body["accessMode"]))
        if reads:
            return 202, {"data": self.neighbours(body["parameters"]), "bookmarks": ["b"]}
        self.seen.append(name)
        count = self.act(name, body["parameters"])
        values = [] if count is None else [count] if self.flat else [[count]]
        return 202, {"data": {"fields": ["count(n)"], "values": values}, "bookmarks": ["b"]}

    def neighbours(self, p):
        self.read += "types" not in p
        self.touched += "types" in p
        rows = []
        for pk in p["pks"]:
            for e in self.edges.values():
                if pk in (e["src"], e["dst"]) and e["type"] in p.get("types", [e["type"]]):
                    other = e["dst"] if pk == e["src"] else e["src"]
                    m = self.nodes[other]
                    rows.append([pk, other, m["name"], m["type"], e["key"], e["type"], e["weight"], e["chunks"]])
        rows = sorted(rows, key=lambda row: -row[6])[:p["limit"]]
        return {"fields": ["pk", "m.pk", "m.name", "m.type", "e.key", "e.type", "e.weight", "e.chunks"],
                "values": [v for row in rows for v in row] if self.flat else rows}

    def act(self, name, p):
        if name == "entities":
            assert len(p["rows"]) <= 500
            for r in p["rows"]:
                self.nodes[r["pk"]] = r
        elif name == "relations":
            for r in p["rows"]:
                if r["src"] in self.nodes and r["dst"] in self.nodes:
                    self.edges[r["key"]] = r
        elif name == "drop relations":
            for k in p["keys"]:
                self.edges.pop(k, None)
        elif name == "drop entities":
            for k in p["pks"]:
                self.nodes.pop(k, None)
                self.edges = {e: r for e, r in self.edges.items() if k not in (r["src"], r["dst"])}
        elif name == "wipe":
            gone = [k for k, n in self.nodes.items() if n["ws"] == p["ws"]]
            for k in gone:
                del self.nodes[k]
            return len(gone)
        return None


def graph_of(server):
    """(entities, relations) as ragd itself has them."""
    found = server.json("/graph/search?q=&limit=1000")
    assert not found["truncated"]
    return {"default|" + e["id"] for e in found["entities"]}


def in_step(server, fake):
    return server.json("/health")["engines"]["graph"]["lag"] == 0 and "relations" in fake.seen and \
        {k for k in fake.nodes if k.startswith("default|")} == graph_of(server)


def with_neo4j(fake, documents, **environment):
    return Ragd(documents, NEO4J_URI=fake.url, NEO4J_PASSWORD="secret", **environment)


@pytest.fixture
def documents(tmp_path):
    folder = tmp_path / "documents"
    folder.mkdir()
    (folder / "a.md").write_text("# Zorvex\n\n## Uses\n\nIbuprofen is used to treat headache and fever in adults.\n")
    (folder / "b.md").write_text("# Other\n\n## Warnings\n\nWarfarin interacts with aspirin and may cause bleeding.\n")
    return folder


@pytest.mark.parametrize("flat", [False, True])
def test_the_graph_is_shown_and_follows_changes_exactly(documents, flat):
    with FakeNeo4j(flat) as fake, with_neo4j(fake, documents) as server:
        harness.until(lambda: in_step(server, fake), 15, "the projection")
        assert "default|left over" not in fake.nodes and "other|theirs" in fake.nodes, "another's workspace is theirs"
        assert fake.seen[:3] == ["constraint", "fulltext", "wipe"]
        edge = next(r for r in fake.edges.values() if r["type"] == "interacts_with")
        assert edge["src"] == "default|warfarin" and edge["chunks"][0].startswith("chk_")
        (documents / "b.md").unlink()
        server.request("POST", "/reindex")
        harness.until(lambda: "default|warfarin" not in fake.nodes and in_step(server, fake), 15, "the deletion")
        assert not any("warfarin" in key for key in fake.edges)


def test_what_is_transient_is_tried_again_whatever_its_status(documents):
    transient = {"errors": [{"code": "Neo.TransientError.Transaction.DeadlockDetected", "message": "deadlock"}]}
    with FakeNeo4j() as fake:
        fake.trouble = [(400, transient), (202, transient), (503, {})]
        with with_neo4j(fake, documents) as server:
            harness.until(lambda: in_step(server, fake), 15, "the projection")
            assert not fake.trouble
            assert 'rag_engine_errors_total{engine="graph",code="failed"} 3' in server.get("/metrics")[1].decode()


def test_an_error_inside_a_202_is_an_error_and_what_was_left_is_sent_later(documents):
    inside = {"data": {"fields": [], "values": []}, "errors": [{"code": "Neo.ClientError.Schema.X", "message": "no"}]}
    with FakeNeo4j() as fake:
        fake.trouble = [(202, inside)] * 3
        with with_neo4j(fake, documents) as server:
            harness.until(lambda: server.json("/health")["status"] == "degraded", 10, "the trouble to show")
            assert server.get("/readyz")[0] == 200 and server.events("ibuprofen headache")[-1][0] == "done"
            harness.until(lambda: in_step(server, fake), 15, "the second try")
            assert server.json("/health")["status"] == "healthy"


def test_a_wrong_password_degrades_and_is_never_logged(documents):
    with FakeNeo4j() as fake, Ragd(documents, NEO4J_URI=fake.url, NEO4J_PASSWORD="not-this-secret") as server:
        harness.until(lambda: server.json("/health")["engines"]["graph"]["state"] == "behind", 10, "the refusal")
        assert "Neo.ClientError.Security.Unauthorized" in server.log() and "not-this-secret" not in server.log()
        assert fake.seen == []


def found(server, question, mode="local"):
    body = json.dumps({"query": question, "mode": mode, "chunk_top_k": 10})
    answer = json.loads(server.request("POST", "/query/data", body, {"Content-Type": "application/json"})[1])["data"]
    return [(c["chunk_id"], c["scores"]) for c in answer["chunks"]], answer["relationships"]


@pytest.mark.parametrize("flat", [False, True])
def test_what_is_said_in_neo4j_is_found_and_our_own_graph_stands_in_for_it(documents, flat):
    (documents / "c.md").write_text("# Ginkgo\n\n## Notes\n\nGinkgo tea is drunk in the evening.\n")
    questions = ("Does warfarin interact with aspirin?", "What does ibuprofen treat?", "side effects of warfarin")
    with Ragd(documents) as alone, FakeNeo4j(flat) as fake, with_neo4j(fake, documents, RAG_GRAPH_FROM_NEO4J="1") as server:
        harness.until(lambda: in_step(server, fake), 15, "the projection")
        assert "read from neo4j" in server.json("/health")["engines"]["graph"]["kind"]
        for mode in ("local", "global", "hybrid", "mix"):
            for question in questions:
                assert found(server, question, mode) == found(alone, question, mode), (question, mode)
        assert fake.read >= 3 and fake.touched >= 3
        # Somebody else wrote there that warfarin interacts with ginkgo, as a passage of ours has it.
        tea = next(c for c, _ in found(alone, "ginkgo tea", "lexical")[0])
        other = next(k for k in fake.nodes if "ginkgo" in k)
        fake.edges["theirs"] = {"key": "theirs", "src": "default|warfarin", "dst": other, "type": "interacts_with", "weight": 3.0, "chunks": [tea, "chk_unknown"]}
        question = "What interacts with warfarin?"
        assert tea in [c for c, _ in found(server, question)[0]] and tea not in [c for c, _ in found(alone, question)[0]]
        # Kinds are looked for there as well: "interact" touches warfarin's relations, and so does a slip of the finger.
        assert fake.edges["theirs"]["type"] == "interacts_with"
        for asked in (question, "What interacts with warfarrin?"):
            assert tea in [c for c, _ in found(server, asked, "global")[0]] and tea not in [c for c, _ in found(alone, asked, "global")[0]]
        fake.edges["theirs"]["type"] = "treats"
        assert tea not in [c for c, _ in found(server, question, "global")[0]], "a relation of another kind answers another question"
        del fake.edges["theirs"]
        # Down: our own graph, a word about it, and no question waits for it again at once.
        fake.trouble = [(500, {"errors": [{"code": "Neo.DatabaseError.General.UnknownError", "message": "no"}]})] * 50
        events = server.events(questions[0], mode="local")
        assert "degraded" in [d["code"] for n, d in events if n == "notice"] and events[-1][0] == "done"
        asked = len(fake.trouble)
        assert found(server, questions[0]) == found(alone, questions[0]) and len(fake.trouble) == asked
        assert server.json("/health")["engines"]["graph"]["state"] == "down" and server.get("/readyz")[0] == 200
        fake.trouble = []


def test_a_real_server_shows_the_same(documents):
    url = os.environ.get("RAG_TEST_NEO4J_URL")
    if not url:
        pytest.skip("RAG_TEST_NEO4J_URL names no Neo4j")
    password = os.environ.get("RAG_TEST_NEO4J_PASSWORD", "")

    def count():
        request = urllib.request.Request(f"{url}/db/neo4j/query/v2", json.dumps(
            {"statement": "MATCH (n:RagEntity {ws:'default'}) RETURN n.pk"}).encode(),
            {"Content-Type": "application/json", "Accept": "application/json",
             "Authorization": "Basic " + base64.b64encode(f"neo4j:{password}".encode()).decode()})
        values = json.load(urllib.request.urlopen(request, timeout=10))["data"]["values"]
        return {v[0] if isinstance(v, list) else v for v in values}
    with Ragd(documents, NEO4J_URI=url, NEO4J_PASSWORD=password) as server:
        harness.until(lambda: count() == graph_of(server), 30, "the projection")


def test_the_statements_of_the_fake_are_those_of_the_source():
    source = (harness.TOP / "rag/engines/neo4j_wire.c").read_text()
    strings = re.sub(r'"\s*\n\s*"', "", source)
    for text in STATEMENTS.values():
        assert text in strings
