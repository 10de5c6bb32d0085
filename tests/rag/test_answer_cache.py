"""Answers given again, and shared by those who ask the same at the same time."""
import contextlib
import json
import threading

import pytest

import harness
from rag_harness import END, RAGD, FakeModel, Ragd, parse, with_model, words

pytestmark = pytest.mark.skipif(not RAGD.is_file(), reason=f"no ragd in {harness.BUILD}")

QUESTION = "ibuprofen side effects"


def hits(server):
    lines = server.get("/metrics")[1].decode().splitlines()
    return tuple(int(next(line.split()[-1] for line in lines if line.startswith(f'rag_cache_total{{kind="answer",hit="{hit}"}}')))
                 for hit in ("true", "false"))


def references(events):
    return next(data["references"] for name, data in events if name == "references")


def without_times(events):
    """What two answers have in common when one is the other, given again."""
    mine = {"start": ("id", "request_id"), "done": ("timings_ms", "usage")}
    return [(name, {k: v for k, v in data.items() if k not in mine.get(name, ())}) for name, data in events]


@pytest.fixture(scope="module")
def model():
    usage = b'data: {"choices": [], "usage": {"prompt_tokens": 12, "completion_tokens": 3}}\n\n'
    with FakeModel("It may hurt ", "the stomach [1]. ", "Bananas grow in warm sunny countries everywhere [1].", END[0], usage, END[1]) as fake:
        yield fake


@pytest.fixture(scope="module")
def server(model):
    with with_model(model) as running:
        yield running


@pytest.fixture
def asked(model):
    """How many questions came to the model in this test."""
    before = len(model.requests)
    return lambda: len(model.requests) - before


def test_the_same_question_streams_the_same_answer_and_asks_no_model(server, asked):
    before = hits(server)
    first, again = server.events(QUESTION), server.events("  Ibuprofen SIDE\teffects ")
    assert asked() == 1 and hits(server) == (before[0] + 1, before[1] + 1)
    assert without_times(again) == without_times(first) and references(again)[0]["file"] == "ibuprofen.md"
    assert again[0][1]["id"] != first[0][1]["id"]
    assert any(data.get("weak") for _, data in again), "what was found about its sentences is told again"
    assert first[-1][1]["usage"]["prompt_tokens"] == 12 and again[-1][1]["usage"]["prompt_tokens"] == 0


def test_one_answer_serves_every_form(server, asked):
    question = "What are the side effects of metformin?"
    text = words(server.events(question))
    status, body, _ = server.chat(question, stream=False)
    assert status == 200 and json.loads(body)["answer"] == text and json.loads(body)["references"]
    headers = {"Content-Type": "application/json"}
    _, body, _ = server.request("POST", "/query", json.dumps({"query": question, "top_k": 12}), headers)
    assert json.loads(body)["response"] == text and json.loads(body)["references"][0]["file_path"] == "metformin.md"
    turns = {"messages": [{"role": "user", "content": question}]}
    for stream in (False, True):
        _, body, _ = server.request("POST", "/v1/chat/completions", json.dumps({**turns, "stream": stream}), headers)
        assert b"Bananas grow" in body and b"x_references" in body
    assert asked() == 1


@pytest.mark.parametrize("more", [
    {"mode": "lexical"}, {"top_k": 3}, {"filter": {"document_ids": []}}, {"history": [{"role": "user", "content": "hello"}]}],
    ids=lambda more: next(iter(more)))
def test_what_changes_an_answer_makes_another(server, asked, more):
    server.events("How much caffeine is safe?")
    before = hits(server)
    server.events("How much caffeine is safe?", **more)
    assert hits(server)[0] == before[0]


def test_what_may_not_wait_is_answered_anew_each_time(server):
    before = hits(server)
    for _ in range(2):
        assert any(data.get("severity") == "urgent" for _, data in server.events("I took an overdose of paracetamol"))
    assert hits(server) == before


def test_a_document_that_comes_makes_every_answer_old():
    with Ragd() as server:
        question = "What is the dose of zorblaxin?"
        assert server.events(question)[-1][1]["finish_reason"] == "no_context"
        document = {"text": "# Zorblaxin\n\n## Dose\n\nThe dose of zorblaxin is 5 mg once a day.\n", "file": "z.md", "wait_ms": 15000}
        status, body, _ = server.request("POST", "/documents/text", json.dumps(document), {"Content-Type": "application/json"})
        assert status == 200, body
        harness.until(lambda: "5 mg" in words(server.events(question)), 15, "the answer from the new document")
        document_id = json.loads(body)["result"]["id"]
        assert server.request("DELETE", f"/documents/{document_id}")[0] == 200
        harness.until(lambda: "5 mg" not in words(server.events(question)), 15, "the answer without it")


def test_keys_of_different_roles_share_no_answer():
    keys = {role: role[0] * 16 for role in ("read", "write")}
    with Ragd(RAG_API_KEYS=",".join(f"{role}:{key}" for role, key in keys.items())) as server:
        def ask(role):
            assert parse(server.chat(QUESTION, {"X-API-Key": keys[role]})[1])[-1][0] == "done"
            body = server.request("GET", "/metrics", None, {"X-API-Key": keys["read"]})[1].decode()
            return int(body.split('kind="answer",hit="true"} ')[1].split()[0])

        assert [ask(role) for role in ("read", "write", "read", "write")] == [0, 0, 1, 2]


def test_an_answer_that_went_wrong_is_not_given_again():
    with FakeModel("It may hurt", "cut") as model, with_model(model) as server:
        for _ in range(2):
            assert "fallback_extractive" in [data.get("code") for _, data in server.events(QUESTION)]
        assert len(model.requests) == 2 and hits(server) == (0, 2)


def test_with_no_time_to_keep_answers_each_question_is_asked_anew():
    with FakeModel("It may hurt [1].", *END) as model, with_model(model, RAG_ANSWER_CACHE_S="0") as server:
        for _ in range(2):
            server.events(QUESTION)
        assert len(model.requests) == 2 and hits(server) == (0, 0)


def test_an_answer_is_old_after_its_time():
    with FakeModel("It may hurt [1].", *END) as model, with_model(model, RAG_ANSWER_CACHE_S="1") as server:
        harness.until(lambda: server.events(QUESTION) and len(model.requests) >= 2, 15, "the answer to be made again")


# ---- At the same time ----

class Gate:
    """A model's script that waits in the middle until it is told to go on."""

    def __init__(self, *script):
        self.script, self.open = script, threading.Event()

    def __iter__(self):
        for step in self.script:
            if step == "gate":
                self.open.wait(60)
            else:
                yield step


def gated(*script):
    model = FakeModel()
    model.script = Gate(*script)
    return model


@contextlib.contextmanager
def begun(server):
    """A stream that has its first words, and its id."""
    with server.stream(QUESTION) as stream:
        chat_id = stream.event("start")["id"]
        stream.event("delta")
        yield stream, chat_id


def test_who_asks_later_hears_what_was_said_and_then_what_comes():
    with gated("One ", "gate", "two [1].", *END) as model, with_model(model) as server:
        with server.stream(QUESTION) as first, server.stream(QUESTION) as late:
            assert first.event("delta")["text"] == "One "
            assert late.event("references")["references"] and late.event("delta")["text"] == "One "
            model.script.open.set()
            for stream in (first, late):
                assert "two [1]." in stream.until(b"event: done").decode()
        assert len(model.requests) == 1 and hits(server) == (1, 1)


def test_the_first_may_leave_while_others_listen_and_the_last_ends_it():
    with FakeModel("One ", 60) as model, with_model(model) as server:
        with server.stream(QUESTION) as late:
            with server.stream(QUESTION) as other:
                late.event("delta"), other.event("delta")
            harness.until(lambda: 'end_total{reason="client_left"} 1' in server.get("/metrics")[1].decode(), 10, "one gone")
            assert model.closed_at is None
        harness.until(lambda: model.closed_at, 10, "the close upstream")
        harness.until(lambda: server.json("/health")["chats"]["running"] == 0, 10, "the end of all")
        assert len(model.requests) == 1


@pytest.mark.parametrize("cancelled", [False, True], ids=["leaves", "cancels"])
def test_without_its_first_client_an_answer_is_told_to_its_end_and_kept(cancelled):
    with gated("One ", "gate", "two [1].", *END) as model, with_model(model) as server:
        with begun(server) as (first, chat_id), server.stream(QUESTION) as late:
            late.event("delta")
            if cancelled:
                assert server.request("POST", f"/chat/{chat_id}/cancel")[0] == 202
                assert first.event("done")["finish_reason"] == "cancelled"
                assert server.request("POST", f"/chat/{chat_id}/cancel")[0] == 404
            else:
                first.sock.close()
                harness.until(lambda: 'end_total{reason="client_left"} 1' in server.get("/metrics")[1].decode(), 10, "one gone")
            model.script.open.set()
            late.until(b"two [1].")
            assert late.event("done")["finish_reason"] == "stop"
        assert words(server.events(QUESTION)) == "One two [1]."
        assert len(model.requests) == 1 and hits(server) == (2, 1)


def test_a_failed_run_fails_for_all_that_hear_it():
    with FakeModel("One ", 60) as model, with_model(model, RAG_DEADLINE_MS="3000") as server:
        with server.stream(QUESTION) as first, server.stream(QUESTION) as late:
            first.event("delta"), late.event("delta")
            for stream in (first, late):
                assert stream.event("error")["error"]["code"] == "deadline"
        assert hits(server) == (1, 1)


def test_a_stampede_is_one_run():
    with FakeModel(0.5, "It may ", "hurt [1].", *END) as model, with_model(model) as server:
        answers = []
        threads = [threading.Thread(target=lambda: answers.append(words(server.events(QUESTION)))) for _ in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        assert answers == ["It may hurt [1]."] * 20 and len(model.requests) == 1


def test_a_first_client_that_does_not_read_holds_nobody_else_back():
    text, count = "word " * 800, 200
    with gated("One ", "gate", *[text] * count, *END) as model, with_model(model) as server:
        with server.stream(QUESTION) as first, server.stream(QUESTION) as late:
            first.event("delta"), late.event("delta")
            model.script.open.set()
            late.until(b"event: done", 60)
            assert b"event: done" in first.until(b"event: done", 60)
