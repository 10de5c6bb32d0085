"""Headless Chromium, for pages that one look is enough of."""
import shutil
import subprocess

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


def dumped(url, folder):
    """What it makes of the page, from a profile of its own. It breaks a page off when the machine's network changes, which
    containers of other tests do: then it is asked again."""
    for attempt in range(10):
        done = subprocess.run([CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--ignore-certificate-errors",
                               f"--user-data-dir={folder}/{attempt}", "--dump-dom", url], capture_output=True, text=True, timeout=180)
        if "ERR_NETWORK_CHANGED" not in done.stderr:
            break
    assert done.stdout, done.stderr[-2000:]
    return done.stdout
