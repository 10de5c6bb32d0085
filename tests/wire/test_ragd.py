"""ragd on a port: its streams, refusals, jobs and drain, and a model that behaves and misbehaves."""
import concurrent.futures
import contextlib
import http.server
import json
import os
import signal
import socket
import subprocess
import threading
import time

import pytest

import harness
from rag_harness import (END, KEY, RAGD, SAMPLES, FakeModel, Ragd, finished, names, parse, piece, with_model,
                         words)

pytestmark = pytest.mark.skipif(not RAGD.is_file(), reason=f"no ragd in {harness.BUILD}")


@pytest.fixture(scope="module")
def ragd():
    with Ragd() as running:
        yield running


# ---- The stream ----

def test_a_chat_says_its_events_in_order(ragd):
    events = ragd.events("Tell me about sleep hygiene")
    assert names(events) == ["start", "status", "references", "status", "delta", "done"]
    start, done = events[0][1], events[-1][1]
    assert start["id"].startswith("msg_") and start["model"] == "extractive-1" and start["generation"] >= 1
    assert [d["stage"] for n, d in events if n == "status"] == ["retrieving", "generating"]
    assert done["finish_reason"] == "stop" and done["grounded"] is True
    assert done["timings_ms"]["total"] >= done["timings_ms"]["retrieve"]


def test_each_sentence_is_cited_and_each_citation_is_a_verbatim_quote(ragd):
    events = ragd.events("What are the side effects of metformin?")
    references = {r["id"]: r for n, d in events if n == "references" for r in d["references"]}
    text = words(events)
    cites = [c for n, d in events if n == "delta" for c in d.get("cites", [])]
    assert cites and set(cites) == set(references)
    assert references["1"]["file"] == "metformin.md" and references["1"]["section"] == "Side effects"
    assert 0 < references["1"]["score"] <= 1 and "NHS" in references["1"]["source"]
    for reference in references.values():
        start, end = reference["span"]
        original = (SAMPLES / reference["file"]).read_text(encoding="utf-8")[start:end]
        if "…" not in reference["quote"]:
            assert " ".join(original.split()) == reference["quote"]
        for part in reference["quote"].split(" … "):
            assert part in " ".join(original.split())
            assert part.split(". ")[0] in text


def test_a_medical_question_gets_the_safety_notice_before_the_first_word(ragd):
    events = ragd.events("ibuprofen dose")
    assert names(events) == ["start", "status", "references", "notice", "status", "delta", "done"]
    notice = next(d for n, d in events if n == "notice")
    assert notice["code"] == "safety" and notice["severity"] == "info"
    assert next(d for n, d in ragd.events("I took an overdose") if n == "notice")["severity"] == "urgent"


def test_a_misspelt_medicine_is_understood_and_the_reader_told(ragd):
    events = ragd.events("side effects of metphormin")
    notices = {d["code"]: d["message"] for n, d in events if n == "notice"}
    assert notices["spelling"] == 'No document has "metphormin"; this is about "Metformin".'
    assert next(d for n, d in events if n == "references")["references"][0]["file"] == "metformin.md"


def test_what_no_document_says_is_not_answered(ragd):
    events = ragd.events("What is the capital of France?")
    assert events[-1][1]["finish_reason"] == "no_context" and events[-1][1]["grounded"] is False
    assert next(d for n, d in events if n == "references")["references"] == []
    assert "found nothing" in words(events)


def test_a_follow_up_keeps_the_topic(ragd):
    history = [{"role": "user", "content": "What is metformin used for?"}, {"role": "assistant", "content": "…"}]
    events = ragd.events("Can I drink alcohol with it?", history=history)
    assert next(d for n, d in events if n == "references")["references"][0]["file"] == "metformin.md"


def test_the_head_of_a_stream_forbids_buffering_and_keeps_the_request_id(ragd):
    _, _, headers = ragd.chat("sleep", {"X-Request-Id": "abc-1"})
    assert headers["Cache-Control"] == "no-store" and headers["X-Accel-Buffering"] == "no"
    assert headers["X-Request-Id"] == "abc-1" and "Content-Encoding" not in headers
    _, _, headers = ragd.chat("sleep", {"X-Request-Id": "bad id " + "x" * 200})
    assert headers["X-Request-Id"].startswith("req_")


def test_words_come_one_by_one_at_the_pace_set():
    with Ragd(RAG_PACE_MS="30") as slow:
        begun = time.monotonic()
        with slow.stream("How much caffeine is safe?") as stream:
            for _ in range(12):
                stream.event("delta")
        assert time.monotonic() - begun > 11 * 0.02


def test_one_object_when_no_stream_is_wanted(ragd):
    for headers, more in (({}, {"stream": False}), ({"Accept": "application/json"}, {})):
        status, body, head = ragd.chat("ibuprofen dose", headers, **more)
        answer = json.loads(body)
        assert status == 200 and head["Content-Type"] == "application/json"
        assert "200 mg to 400 mg" in answer["answer"] and "[1]" in answer["answer"]
        assert answer["references"][0]["file"] == "ibuprofen.md" and answer["notices"][0]["code"] == "safety"
        assert answer["finish_reason"] == "stop" and answer["id"].startswith("msg_")
    status, body, _ = ragd.chat("ibuprofen dose", stream=False, include_references=False)
    assert "references" not in json.loads(body)


def test_the_same_question_with_the_same_key_gets_the_first_answer_again(ragd):
    def ask(path, body, key):
        status, answer, _ = ragd.request("POST", path, json.dumps(body), {"Content-Type": "application/json", "Idempotency-Key": key})
        return status, json.loads(answer)

    first = ask("/chat", {"message": "What helps against insomnia?", "stream": False}, "q-1")
    assert first[0] == 200 and first[1]["id"].startswith("msg_")
    assert ask("/chat", {"message": "What helps against insomnia?", "stream": False}, "q-1") == first
    assert ask("/chat", {"message": "What helps against insomnia?", "stream": False}, "q-2")[1]["id"] != first[1]["id"]
    status, answer = ask("/chat", {"message": "What helps against pain?", "stream": False}, "q-1")
    assert status == 409 and answer["error"]["code"] == "idempotency_mismatch"
    assert "pain" not in json.dumps(ask("/query", {"query": "What helps against insomnia?"}, "q-1")), "a key is one route's"
    for bad in ("x" * 129, "a b", "caf\u00e9"):
        status, answer = ask("/query", {"query": "insomnia"}, bad.encode().decode("latin-1"))
        assert status == 422 and answer["error"]["code"] == "invalid", bad


def test_ndjson_is_lightrags_lines(ragd):
    status, body, head = ragd.chat("How much caffeine is safe?", {"Accept": "application/x-ndjson"})
    lines = [json.loads(line) for line in body.decode().splitlines()]
    assert status == 200 and head["Content-Type"] == "application/x-ndjson"
    assert "references" in lines[0] and all(set(line) <= {"response", "notice"} for line in lines[1:])
    assert "400 mg" in "".join(line.get("response", "") for line in lines)


# ---- What retrieval alone finds ----

def data(ragd, query, **more):
    status, body, _ = ragd.request("POST", "/query/data", json.dumps({"query": query, **more}),
                                   {"Content-Type": "application/json"})
    assert status == 200, body
    return json.loads(body)


def test_query_data_shows_each_passage_with_its_scores(ragd):
    answer = data(ragd, "What are the side effects of metformin?")
    chunks = answer["data"]["chunks"]
    assert answer["status"] == "success" and answer["metadata"]["query_mode"] == "mix"
    assert answer["metadata"]["keywords"] == {"high_level": ["side effects"],
                                              "low_level": ["side", "effects", "metformin"]}
    assert chunks[0]["file_path"] == "metformin.md" and chunks[0]["section"] == "Side effects"
    assert set(chunks[0]["scores"]) == {"bm25", "vector", "graph", "rerank", "final"}
    finals = [c["scores"]["final"] for c in chunks]
    assert finals == sorted(finals, reverse=True) and chunks[0]["scores"]["vector"] > 0
    files = {r["reference_id"]: r["file_path"] for r in answer["data"]["references"]}
    assert all(files[c["reference_id"]] == c["file_path"] for c in chunks)
    start, end = chunks[0]["span"]
    text = (SAMPLES / "metformin.md").read_text(encoding="utf-8")
    assert text[start:end] == chunks[0]["content"]


def test_the_mode_decides_which_lists_propose(ragd):
    assert all(c["scores"]["vector"] == 0 for c in data(ragd, "caffeine", mode="lexical")["data"]["chunks"])
    assert data(ragd, "metphormins", mode="naive")["data"]["chunks"][0]["file_path"] == "metformin.md"


def test_a_filter_works_before_ranking(ragd):
    everything = data(ragd, "How much can I take a day?", chunk_top_k=50)["data"]["chunks"]
    wanted = next(c for c in everything if c["file_path"] == "caffeine.md")["document_id"]
    for rule in ({"document_ids": [wanted]}, {"metadata": {"and": [{"key": "file", "value": "caffeine.md"}]}},
                 {"metadata": {"or": [{"key": "title", "op": "contains", "value": "CAFFEINE"},
                                      {"key": "year", "op": "gte", "value": 2000}]}}):
        chunks = data(ragd, "How much can I take a day?", filter=rule)["data"]["chunks"]
        assert chunks and {c["file_path"] for c in chunks} == {"caffeine.md"}
    assert data(ragd, "caffeine", filter={"document_ids": []})["data"]["chunks"] == []
    events = ragd.events("side effects of metformin", filter={"document_ids": [wanted]})
    assert events[-1][1]["finish_reason"] == "no_context"


@pytest.mark.parametrize("body, field", [
    (b'{"message": "a"}', "/query"),
    (b'{"query": "a", "min_score": 2}', "/min_score"),
    (b'{"query": "a", "chunk_top_k": 51}', "/chunk_top_k"),
    (b'{"query": "a", "filter": {"document_ids": [1]}}', "/filter/document_ids"),
])
def test_what_is_wrong_with_a_query_is_said(ragd, body, field):
    status, answer, _ = ragd.request("POST", "/query/data", body, {"Content-Type": "application/json"})
    assert (status, json.loads(answer)["error"]["field"]) == (422, field)


def test_modes_of_the_graph_answer_with_entities_and_relations(ragd):
    for mode in ("local", "global", "hybrid", "mix"):
        answer = data(ragd, "Can I take ibuprofen with aspirin?", mode=mode)["data"]
        assert any(c["scores"]["graph"] > 0 for c in answer["chunks"]), mode
        ends = {(r["src_id"].lower(), r["tgt_id"].lower()) for r in answer["relationships"]}
        assert mode == "global" or ("ibuprofen", "aspirin") in ends, mode
        assert {e["entity_name"].lower() for e in answer["entities"]} >= {"ibuprofen", "aspirin"}, mode
    only = data(ragd, "ibuprofen and aspirin", mode="local",
                filter={"metadata": {"and": [{"key": "file", "value": "aspirin.md"}]}})["data"]
    assert {c["file_path"] for c in only["chunks"]} == {"aspirin.md"}
    assert data(ragd, "zebra crossing quagga caffeine", mode="local")["data"]["chunks"], "an exact word always finds"


def test_the_graph_can_be_looked_around_in(ragd):
    found = ragd.json("/graph/search?q=IBUPROFEN&limit=5")
    assert any(e["name"].lower() == "ibuprofen" and e["type"] == "Drug" for e in found["entities"])
    around = ragd.json("/graph/neighbours?name=ibuprofen&depth=2&limit=30")
    assert len(around["nodes"]) == 30 and around["truncated"] is True
    keys = {n["id"] for n in around["nodes"]}
    assert all(e["source"] in keys and e["target"] in keys and e["chunk_ids"] for e in around["edges"])
    assert ragd.json("/graph/entity/Ibuprofen")["nodes"][0]["name"].lower() == "ibuprofen"
    assert ragd.get("/graph/entity/nobody%20knows%20this")[0] == 404
    assert ragd.get("/graph/neighbours?name=ibuprofen&depth=4")[0] == 422
    assert ragd.get("/graph/neighbours")[0] == 422


# ---- Refusals come before the 200 ----

@pytest.mark.parametrize("body, headers, status, code, field", [
    (b"{", {}, 400, "bad_json", None),
    (b"", {}, 400, "bad_json", None),
    (b"[" * 40 + b"]" * 40, {}, 400, "bad_json", None),
    (b"[]", {}, 422, "invalid", None),
    (b"{}", {}, 422, "invalid", "/message"),
    (b'{"message": 7}', {}, 422, "invalid", "/message"),
    (b'{"message": "  "}', {}, 422, "invalid", "/message"),
    (b'{"message": "' + b"x" * 8001 + b'"}', {}, 422, "invalid", "/message"),
    (b'{"message": "a", "history": "b"}', {}, 422, "invalid", "/history"),
    (b'{"message": "a", "history": [{"role": "system", "content": "b"}]}', {}, 422, "invalid", "/history/0"),
    (b'{"message": "a", "history": [{"role": "user", "content": "b"}, 5]}', {}, 422, "invalid", "/history/1"),
    (b'{"message": "a", "top_k": 0}', {}, 422, "invalid", "/top_k"),
    (b'{"message": "a", "top_k": "3"}', {}, 422, "invalid", "/top_k"),
    (b'{"message": "a", "stream": "yes"}', {}, 422, "invalid", "/stream"),
    (b'{"message": "a", "mode": "all"}', {}, 422, "invalid", "/mode"),
    (b'{"message": "a", "mode": "bypass"}', {}, 409, "no_model", None),
    (b'{"message": "a", "filter": {"tags": []}}', {}, 422, "invalid", "/filter/tags"),
    (b'{"message": "a", "filter": {"tag": {}}}', {}, 422, "invalid", "/filter"),
    (b'{"message": "a", "filter": {"metadata": {"and": [{"key": "a", "op": "is"}]}}}', {}, 422, "invalid",
     "/filter/metadata/and/0"),
    (b'{"message": "\xff"}', {}, 400, "bad_json", None),
    (b'{"message": "a"}', {"Content-Type": "image/png"}, 415, "unsupported_media", None),
    (b"message=a", {"Content-Type": "application/x-www-form-urlencoded"}, 415, "unsupported_media", None),
])
def test_what_is_wrong_is_said_with_status_code_and_pointer(ragd, body, headers, status, code, field):
    got, answer, head = ragd.request("POST", "/chat", body, {"Content-Type": "application/json", **headers})
    error = json.loads(answer)["error"]
    assert (got, error["code"], error.get("field")) == (status, code, field), answer
    assert error["message"] and error["request_id"] == head["X-Request-Id"]
    assert json.loads(answer)["detail"] == error["message"]


def test_unknown_members_and_plain_curl_are_welcome(ragd):
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    status, body, _ = ragd.request("POST", "/chat", b'{"message": "sleep hygiene", "shoe_size": 44}', form)
    assert status == 200 and parse(body)[-1][0] == "done"


def test_methods_paths_and_sizes(ragd):
    status, _, headers = ragd.get("/chat")
    assert status == 405 and headers["Allow"] == "POST"
    assert ragd.request("DELETE", "/health")[0] == 405
    assert ragd.get("/nothing")[0] == 404
    assert ragd.request("HEAD", "/health")[:2] == (200, b"")
    status, body, _ = ragd.request("POST", "/chat", b" " * (1024 * 1024 + 1), {"Content-Type": "application/json"})
    assert status == 413 and json.loads(body)["error"]["code"] == "too_large"


def test_a_chunked_body_over_the_limit_is_refused(ragd):
    with socket.create_connection(("127.0.0.1", ragd.port), timeout=10) as s:
        s.sendall(b"POST /chat HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n")
        with contextlib.suppress(OSError):
            for _ in range(40):
                s.sendall(b"10000\r\n" + b"x" * 65536 + b"\r\n")
        answer = b""
        with contextlib.suppress(OSError):
            while more := s.recv(65536):
                answer += more
        assert not answer or b" 413 " in answer.split(b"\r\n")[0]
    assert ragd.get("/livez")[0] == 200


# ---- HTTP/1.0, many at once, leaving ----

def test_http_1_0_gets_the_stream_until_the_close(ragd):
    body = b'{"message": "Tell me about nutrition"}'
    with socket.create_connection(("127.0.0.1", ragd.port), timeout=15) as s:
        s.sendall(b"POST /chat HTTP/1.0\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        answer = b""
        while more := s.recv(65536):
            answer += more
    head, stream = answer.split(b"\r\n\r\n", 1)
    assert b"chunked" not in head.lower()
    assert parse(stream)[-1][0] == "done"


def test_health_counts_what_the_graph_has(ragd):
    listed = ragd.json("/graph/search?q=&limit=1000")
    index = ragd.json("/health")["index"]
    assert index["entities"] == len(listed["entities"]) > 50 and not listed["truncated"] and index["relations"] > 50


def test_fifty_chats_at_once_all_end_complete(ragd):
    with concurrent.futures.ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(ragd.events, ["How much caffeine is safe?", "ibuprofen side effects"] * 25))
    assert all(events[-1][0] == "done" and events[-1][1]["finish_reason"] == "stop" for events in answers)
    assert len({events[0][1]["id"] for events in answers}) == 50
    assert len({words(events) for events in answers}) == 2


def test_a_client_that_leaves_ends_its_chat_at_once():
    with Ragd(RAG_PACE_MS="200") as slow:
        with slow.stream("Tell me about sleep hygiene") as stream:
            stream.event("delta")
            assert slow.json("/health")["chats"]["running"] == 1
        harness.until(lambda: slow.json("/health")["chats"]["running"] == 0, 1, "the end of the chat")
        metrics = slow.get("/metrics")[1].decode()
        assert 'rag_requests_total{route="POST /chat",code="200"} 1' in metrics and 'rag_stream_end_total{reason="client_left"} 1' in metrics


def test_cancel_ends_a_chat_with_done():
    with Ragd(RAG_PACE_MS="200") as slow, slow.stream("Tell me about sleep hygiene") as stream:
        chat_id = stream.event("start")["id"]
        stream.event("delta")
        status, body, _ = slow.request("POST", f"/chat/{chat_id}/cancel")
        assert status == 202 and json.loads(body)["state"] == "cancelled"
        assert stream.event("done")["finish_reason"] == "cancelled"
        stream.until(b"0\r\n\r\n")
        assert slow.request("POST", f"/chat/{chat_id}/cancel")[0] == 404


def test_too_many_chats_are_told_to_come_back():
    with Ragd(RAG_PACE_MS="200", RAG_CHATS_MAX="1") as small, small.stream("Tell me about stress") as stream:
        stream.event("delta")
        status, body, headers = small.chat("sleep")
        assert status == 429 and json.loads(body)["error"]["code"] == "queue_full"
        assert int(headers["Retry-After"]) >= 1


def test_an_answer_over_its_deadline_ends_in_an_error_event():
    with Ragd(RAG_PACE_MS="100", RAG_DEADLINE_MS="500") as slow:
        events = slow.events("Tell me about sleep hygiene")
        assert events[-1][0] == "error" and events[-1][1]["error"]["code"] == "deadline"
        status, body, _ = slow.chat("Tell me about sleep hygiene", stream=False)
        assert status == 200, body  # without a pace it is done in time


# ---- Health, jobs, start and end ----

def test_health_names_the_index_and_no_paths(ragd):
    health = ragd.json("/health")
    assert health["status"] == "healthy" and health["index"]["documents"] == len(list(SAMPLES.glob("*.md")))
    assert health["engines"]["llm"]["kind"] == "extractive"
    assert str(SAMPLES) not in json.dumps(health) and "tmp" not in json.dumps(health)
    assert ragd.json("/version")["name"] == "ragd"


def test_reindex_reads_the_folder_again(tmp_path):
    (tmp_path / "one.md").write_text("# Zebras\n\nZebras have stripes that confuse flies.\n")
    (tmp_path / "bad.md").write_bytes(b"\xff\xfe\x00")
    with Ragd(documents=tmp_path) as server:
        assert server.json("/health")["index"]["documents"] == 1
        assert "stripes" in words(server.events("zebra stripes"))
        (tmp_path / "sub").mkdir()
        (tmp_path / "sub/two.txt").write_text("Okapis live in the rain forest of the Congo.")
        (tmp_path / "one.md").unlink()
        status, body, _ = server.request("POST", "/reindex")
        job = json.loads(body)
        assert status == 202 and job["id"].startswith("job_") and job["kind"] == "reindex"
        done = harness.until(lambda: finished(server), 10, "the job's end")
        assert done["id"] == job["id"] and done["state"] == "partial"
        assert done["documents"] == {"total": 2, "done": 1, "failed": 1} and done["generation"] == 2
        assert [e["file"] for e in done["errors"]] == ["bad.md"] and done["errors"][0]["stage"] == "parsing"
        assert server.json(f"/jobs/{job['id']}")["state"] == "partial" and len(server.json("/jobs")["jobs"]) == 2
        assert "Congo" in words(server.events("Where do okapis live?"))
        assert "found nothing" in words(server.events("zebra stripes"))
        assert server.get("/jobs/job_none")[0] == 404
        assert server.request("POST", "/reindex", b'{"scope": "some"}')[0] == 422


def test_a_second_reindex_while_one_runs_is_refused(tmp_path):
    for i in range(3000):
        (tmp_path / f"{i}.txt").write_text(f"Document {i} speaks of things. " * 20)
    with Ragd(documents=tmp_path) as server:
        assert server.request("POST", "/reindex")[0] == 202
        status, body, _ = server.request("POST", "/reindex")
        assert status == 409 and json.loads(body)["error"]["code"] == "busy"
        assert server.chat("document things", stream=False)[0] == 200  # the old generation answers meanwhile
        assert harness.until(lambda: finished(server), 60, "the job's end")["generation"] == 2


def test_sigterm_lets_a_running_answer_finish_and_refuses_new_ones():
    with Ragd(RAG_PACE_MS="40") as server, server.stream("Tell me about stress") as stream:
        stream.event("delta")
        server.process.send_signal(signal.SIGTERM)
        harness.until(lambda: server.get("/health")[0] == 503, 5, "draining")
        assert server.json("/health")["status"] == "draining"
        status, body, _ = server.chat("sleep")
        assert status == 503 and json.loads(body)["error"]["code"] == "draining"
        assert stream.event("done")["finish_reason"] == "stop"
        assert server.process.wait(10) == 0


def test_a_second_sigterm_stops_at_once_and_the_answer_looks_cut():
    with Ragd(RAG_PACE_MS="200") as server, server.stream("Tell me about stress") as stream:
        stream.event("delta")
        server.process.send_signal(signal.SIGTERM)
        harness.until(lambda: server.get("/health")[0] == 503, 5, "draining")
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(3) == 0
        rest = stream.data
        with contextlib.suppress(OSError):
            while more := stream.sock.recv(65536):
                rest += more
        assert b"event: done" not in rest and not rest.endswith(b"0\r\n\r\n")


@pytest.mark.parametrize("arguments, environment, says", [
    (["--nonsense"], {}, "no option"),
    (["--port"], {}, "needs a value"),
    (["--port", "70000"], {}, "0 to 65535"),
    (["--documents", "/nowhere/at/all"], {}, "no folder of documents"),
    (["--host", "example"], {}, "IP address"),
    (["--host", "0.0.0.0"], {}, "RAG_ALLOW_ANONYMOUS"),
    ([], {"RAG_PACE_MS": "fast"}, "RAG_PACE_MS"),
    ([], {"RAG_HEARTBEAT": "loud"}, "RAG_HEARTBEAT"),
    ([], {"OPENAI_BASE_URL": "ftp://x", "OPENAI_API_KEY": "k"}, "OPENAI_BASE_URL"),
])
def test_what_is_in_the_way_of_a_start_is_one_clear_line_and_exit_2(tmp_path, arguments, environment, says):
    command = [str(RAGD), "--port", "0", "--documents", str(SAMPLES), "--data", str(tmp_path / "d"), *arguments]
    done = subprocess.run(command, env={**os.environ, **environment}, capture_output=True, text=True, timeout=20)
    assert done.returncode == 2 and says in done.stderr and len(done.stderr.splitlines()) == 1, done.stderr


def test_a_port_in_use_is_said(ragd, tmp_path):
    command = [str(RAGD), "--port", str(ragd.port), "--documents", str(SAMPLES), "--data", str(tmp_path / "d")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=20)
    assert done.returncode == 2 and str(ragd.port) in done.stderr


def test_help_lists_the_settings():
    done = subprocess.run([str(RAGD), "--help"], capture_output=True, text=True, timeout=20)
    assert done.returncode == 0 and "--documents" in done.stdout and "OPENAI_BASE_URL" in done.stdout


# ---- A model ----

def test_a_models_words_stream_with_the_context_it_was_given():
    usage = b'data: {"choices": [], "usage": {"prompt_tokens": 12, "completion_tokens": 3}}\n\n'
    with FakeModel("Mind ", "the liver [", "1", "] and [9", "9].", piece(finish="stop"), usage, b"data: [DONE]\n\n") as model, \
            with_model(model) as server:
        events = server.events("paracetamol and alcohol", history=[{"role": "user", "content": "hello"}])
        head, request = model.requests[0]
        assert names(events) == ["start", "status", "references", "notice", "status", "delta", "done"]
        assert words(events) == "Mind the liver [1] and ."  # [99] stands for nothing
        assert events[0][1]["model"] == "fake-1" and events[-1][1]["grounded"] is True
        assert events[-1][1]["usage"] == {"prompt_tokens": 12, "completion_tokens": 3}
        assert "POST /v1/chat/completions" in head and f"Authorization: Bearer {KEY}" in head
        assert request["model"] == "fake-1" and request["stream"] is True
        assert [m["role"] for m in request["messages"]] == ["system", "user", "user"]
        assert request["messages"][-1]["content"] == "paracetamol and alcohol"
        context = request["messages"][0]["content"]
        assert "heavy drinking makes liver damage more likely" in context.replace("\n", " ") and "[1]" in context
        assert server.json("/health")["engines"]["llm"]["kind"] == "openai"
        assert KEY not in server.log() and KEY not in json.dumps(server.json("/health"))


def test_heartbeats_go_on_while_the_model_thinks():
    with FakeModel(1.2, "Done thinking [1].", *END) as model, with_model(model, RAG_HEARTBEAT_MS="200") as server:
        events = server.events("ibuprofen side effects")
        beats = [d for n, d in events if n == "heartbeat"]
        assert 3 <= len(beats) <= beats[-1]["elapsed_ms"] / 200 + 1
        assert beats[-1]["stage"] == "generating" and beats[-1]["elapsed_ms"] > beats[0]["elapsed_ms"]
        assert words(events) == "Done thinking [1]." and events[-1][1]["finish_reason"] == "stop"


@pytest.mark.parametrize("form, sign", [("comment", b": hb\n"), ("off", None)])
def test_heartbeats_can_be_comments_or_none(form, sign):
    with FakeModel(0.5, "Done [1].", *END) as model, with_model(model, RAG_HEARTBEAT_MS="100", RAG_HEARTBEAT=form) as server:
        _, body, _ = server.chat("ibuprofen side effects")
        assert b"event: heartbeat" not in body
        assert (b"\n\n" + sign in body and sign + b"\n" not in body) if sign else b": hb" not in body
        assert parse(body.replace(b": hb\n", b""))[-1][0] == "done"


def test_a_client_that_does_not_read_holds_the_model_back_and_loses_nothing():
    text, count = "word " * 800, 6000
    with FakeModel(*[text] * count, *END) as model, with_model(model) as server, \
            server.stream("ibuprofen side effects") as stream:
        stream.event("delta")
        before = -1
        while model.sent != before:  # until nothing moves any more
            before = model.sent
            time.sleep(0.5)
        assert model.sent < count * 0.75, "the rest waits at the model"
        received, tail = len(stream.data), b""
        while b"event: done" not in tail:
            more = stream.sock.recv(1 << 20)
            assert more, "closed before the end"
            received += len(more)
            tail = (tail + more)[-400:]
        assert received > (count - 1) * len(text)


def test_a_trace_is_passed_on_to_the_model_and_nothing_else_is():
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    with FakeModel("It may hurt the stomach [1].", *END) as model, with_model(model, RAG_ANSWER_CACHE_S="0") as server:
        for given in (trace, trace.upper(), trace + "0", "00-0af7"):
            assert server.chat("ibuprofen side effects", {"traceparent": given})[0] == 200
        heads = [head for head, _ in model.requests]
        assert f"traceparent: {trace}\r\n" in heads[0] and not [head for head in heads[1:] if "traceparent" in head.lower()]


def test_a_model_that_breaks_off_is_continued_from_the_documents():
    with FakeModel("It may hurt the stomach", "cut") as model, with_model(model) as server:
        events = server.events("ibuprofen side effects")
        assert words(events).startswith("It may hurt the stomach\n\nCommon side effects of ibuprofen")
        assert [d["code"] for n, d in events if n == "notice"] == ["safety", "fallback_extractive"]
        assert events[-1][1]["finish_reason"] == "stop" and events[-1][1]["grounded"] is True


@pytest.mark.parametrize("model,code", [
    (FakeModel(status=500), "failed"), (FakeModel(status=401), "unauthorized"), (FakeModel(b"data: not json\n\n"), "invalid"),
    (FakeModel(b"<html>hello</html>"), "invalid"), (FakeModel(b'data: {"error": {"message": "overloaded"}}\n\n'), "invalid"),
    (FakeModel(b"data: [DONE]\n\n"), "invalid"), (FakeModel("cut"), "invalid"), (FakeModel(10), "timeout"),
], ids=["500", "401", "no-json", "no-stream", "error-object", "says-nothing", "closes", "silent"])
def test_a_model_that_fails_before_a_word_leaves_the_answer_to_the_documents(model, code):
    with model, with_model(model, RAG_MODEL_FIRST_MS="500") as server:
        events = server.events("ibuprofen side effects")
        assert words(events).startswith("Common side effects of ibuprofen")
        assert "fallback_extractive" in [d.get("code") for n, d in events if n == "notice"]
        assert events[-1][1]["finish_reason"] == "stop"
        tries = 2 if code == "failed" else 1
        assert f'rag_engine_errors_total{{engine="llm",code="{code}"}} {tries}' in server.get("/metrics")[1].decode()


def test_an_endpoint_that_is_not_there_leaves_the_answer_to_the_documents():
    with Ragd(OPENAI_BASE_URL=f"http://127.0.0.1:{harness.free_port()}/v1", OPENAI_API_KEY=KEY) as server:
        events = server.events("ibuprofen side effects")
        assert words(events).startswith("Common side effects") and events[-1][0] == "done"
        status, body, _ = server.chat("ibuprofen side effects", stream=False)
        assert [n["code"] for n in json.loads(body)["notices"]] == ["safety", "fallback_extractive"]


def test_a_model_that_stalls_between_words_is_given_up():
    with FakeModel("Half a", 60) as model, with_model(model, RAG_MODEL_STALL_MS="300") as server:
        events = server.events("ibuprofen side effects")
        assert words(events).startswith("Half a\n\nCommon side effects") and events[-1][0] == "done"


def test_an_endpoint_that_says_done_and_leaves_the_response_open_has_answered():
    with FakeModel("Rest and drink [1].", *END, 100) as model, with_model(model) as server:
        events = server.events("ibuprofen side effects")
        assert words(events) == "Rest and drink [1]." and events[-1][1]["finish_reason"] == "stop"


def test_the_models_connection_is_kept_for_the_next_question():
    class Model(http.server.BaseHTTPRequestHandler):
        protocol_version, peers = "HTTP/1.1", []

        def do_POST(self):
            self.peers.append(self.client_address)
            self.rfile.read(int(self.headers["Content-Length"]))
            body = piece("Words [1].") + b"".join(END)
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Model) as at:
        threading.Thread(target=at.serve_forever, daemon=True).start()
        with Ragd(OPENAI_BASE_URL=f"http://127.0.0.1:{at.server_port}/v1", OPENAI_API_KEY=KEY, RAG_ANSWER_CACHE_S="0") as server:
            for _ in range(3):
                assert words(server.events("ibuprofen side effects")) == "Words [1]."
        at.shutdown()
    assert len(Model.peers) == 3 and len(set(Model.peers)) == 1


def test_a_client_that_leaves_closes_the_models_connection_at_once():
    with FakeModel("One word ", 60) as model, with_model(model) as server:
        with server.stream("ibuprofen side effects") as stream:
            stream.event("delta")
        harness.until(lambda: model.closed_at, 5, "the close upstream")


def test_no_document_no_model():
    with FakeModel("Paris.", *END) as model, with_model(model) as server:
        events = server.events("What is the capital of France?")
        assert events[-1][1]["finish_reason"] == "no_context" and model.requests == []


def test_a_models_stream_may_be_cut_anywhere():
    stream = b": hello\r\n\r\n" + b"".join((piece("Gr\u00fc\u00dfe "), piece("[1]"), *END)).replace(b"\n", b"\r\n")
    with FakeModel(*[bytes([b]) for b in stream]) as model, with_model(model) as server:
        assert words(server.events("ibuprofen side effects")) == "Gr\u00fc\u00dfe [1]"
