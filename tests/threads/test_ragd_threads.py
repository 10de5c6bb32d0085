"""ragd under ThreadSanitizer: its loop, its searches and its reindexing at once."""
import concurrent.futures

import pytest

import harness
from rag_harness import RAGD, Ragd, finished

pytestmark = pytest.mark.skipif(not RAGD.is_file(), reason=f"no ragd in {harness.BUILD}")


def test_chats_health_and_reindexing_at_once_touch_nothing_together():
    with Ragd(RAG_PACE_MS="0") as server, concurrent.futures.ThreadPoolExecutor(12) as pool:
        chats = [pool.submit(server.events, "ibuprofen side effects") for _ in range(40)]
        jobs = [pool.submit(server.request, "POST", "/reindex") for _ in range(6)]
        looks = [pool.submit(server.get, path) for path in ("/health", "/reindex", "/jobs", "/metrics") for _ in range(5)]
        assert all(chat.result()[-1][0] == "done" for chat in chats)
        assert {job.result()[0] for job in jobs} <= {202, 409}
        assert all(look.result()[0] == 200 for look in looks)
        harness.until(lambda: finished(server), 20, "the last job's end")


def test_clients_that_leave_while_their_answer_is_looked_for_leave_nothing_behind():
    with Ragd() as server:
        for _ in range(30):
            with server.stream("Tell me about sleep hygiene"):
                pass
        harness.until(lambda: server.json("/health")["chats"]["running"] == 0, 10, "the end of all chats")
