"""Real clients against a demo portal: schemathesis tries what the document allows, a generated client does an ending.

Started by `cargo xtask test api`; API_SERVER names the program, API_DOCUMENT docs/openapi.json. The last line
counts: `N passed, N failed, N skipped`.
"""

import contextlib
import http.cookiejar
import os
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request

BIN = pathlib.Path(sys.executable).parent
SERVER = os.environ["API_SERVER"]
DOCUMENT = pathlib.Path(os.environ["API_DOCUMENT"]).resolve()
# What a person or program may do in a minute is tested elsewhere; here it would hide what is tried.
NO_LIMITS = {"CURFEW_API__PER_MINUTE": "1000000", "CURFEW_SIGNIN__PER_ADDRESS_PER_MINUTE": "1000000"}
HERE = pathlib.Path(__file__).resolve().parent


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


@contextlib.contextmanager
def portal(folder):
    """A demo estate of its own: its address."""
    url = f"http://127.0.0.1:{free_port()}"
    log = open(folder / "portal.log", "w")
    started = subprocess.Popen(
        [SERVER, "demo", "--listen", url.removeprefix("http://"), "--data-dir", str(folder / "data")],
        stdout=log,
        stderr=subprocess.STDOUT,
        env={**os.environ, **NO_LIMITS},
    )
    try:
        for _ in range(300):
            with contextlib.suppress(OSError):
                urllib.request.urlopen(f"{url}/readyz", timeout=5).read()
                break
            if started.poll() is not None:
                raise RuntimeError(f"the portal stopped: {(folder / 'portal.log').read_text()[-2000:]}")
            time.sleep(0.1)
        yield url
    finally:
        started.terminate()
        started.wait(20)


class Administrator:
    """A browser that makes tokens, by the forms of the pages."""

    def __init__(self, url):
        self.url = url
        cookies = urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
        self.browser = urllib.request.build_opener(cookies)
        self.post("/sign-in", login="mara.ortiz", password="copper-lantern-47-harbour")

    def post(self, path, **fields):
        request = urllib.request.Request(
            self.url + path, urllib.parse.urlencode(fields).encode(), {"Sec-Fetch-Site": "same-origin"}
        )
        return self.browser.open(request, timeout=20).read().decode()

    def token(self, role):
        end = time.strftime("%Y-%m-%d %H:%M", time.gmtime(time.time() + 86_400))
        page = self.post(
            "/access/act",
            act="make-token",
            name=f"{role} client",
            role=role,
            places="everywhere",
            people="everybody",
            expires=end,
            reason="tests of real clients",
        )
        return re.search(r"curfew_[a-z2-7]{52}[0-9a-f]{6}", page).group()


def wait_for_sessions(url, token):
    for _ in range(100):
        request = urllib.request.Request(f"{url}/api/v1/sessions", headers={"Authorization": f"Bearer {token}"})
        if b'"items":[]' not in urllib.request.urlopen(request, timeout=10).read():
            return
        time.sleep(0.3)
    raise RuntimeError("no system was read")


def schemathesis(folder, url, token):
    """Everything the document allows, and what it forbids: no answer outside it."""
    done = subprocess.run(
        [
            BIN / "schemathesis",
            "--config-file",
            HERE / "schemathesis.toml",
            "run",
            DOCUMENT,
            "--url",
            url,
            "--header",
            f"Authorization: Bearer {token}",
        ],
        cwd=folder,
        timeout=110,
        env={**os.environ, "HYPOTHESIS_STORAGE_DIRECTORY": str(folder / "examples")},
    )
    assert done.returncode == 0, "schemathesis has findings"


def generated_client(folder, url, token):
    """list, preview, end, read, by a client that was generated from the document alone."""
    subprocess.run(
        [BIN / "openapi-python-client", "generate", "--path", DOCUMENT, "--output-path", folder / "client", "--meta", "none"],
        check=True,
        cwd=folder,
        timeout=100,
        stdout=subprocess.DEVNULL,
        env={**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}"},
    )
    sys.path.insert(0, str(folder))
    from client import AuthenticatedClient
    from client.api.endings import confirm_preview, get_ending, list_ending_items, make_preview
    from client.api.me import me
    from client.api.people import end_everywhere, list_people
    from client.api.sessions import list_sessions
    from client.models import EndEverywhere, NewEnding, NewPreview, Problem, TextOp

    calls = AuthenticatedClient(base_url=url, token=token)
    assert me.sync(client=calls).name == "helpdesk client"
    people = list_people.sync(client=calls, limit=5)
    person = next(p for p in people.items if not p.person_id.startswith("mara"))
    listed = list_sessions.sync(client=calls, person=person.person_id, person_op=TextOp.IS)
    assert listed.count.exact and listed.items, listed
    keys = [row.session_key for row in listed.items if row.cannot_end is None][:2]
    preview = make_preview.sync(client=calls, body=NewPreview(sessions=keys))
    assert preview.sessions == len(keys), preview
    wrong = confirm_preview.sync(
        client=calls, body=NewEnding(preview_id=preview.preview_id, reason="a test", expect=preview.sessions + 1)
    )
    assert isinstance(wrong, Problem) and wrong.problems[0].field == "expect", wrong
    made = confirm_preview.sync(
        client=calls,
        body=NewEnding(preview_id=preview.preview_id, reason="a test", expect=preview.sessions),
        idempotency_key="once",
    )
    for _ in range(200):
        ending = get_ending.sync(made.ending_no, client=calls)
        if ending.settled_at is not None:
            break
        time.sleep(0.3)
    assert ending.counts.wanted == len(keys) and ending.counts.gone + ending.counts.not_gone == len(keys), ending
    items = list_ending_items.sync(made.ending_no, client=calls)
    assert {item.session_key for item in items.items} == set(keys)
    other = next(p for p in people.items if p.person_id != person.person_id)
    ended = end_everywhere.sync(other.person_id, client=calls, body=EndEverywhere(reason="left"))
    again = end_everywhere.sync(other.person_id, client=calls, body=EndEverywhere(reason="left"))
    assert ended.ending is None or again.ending is None or again.ending == ended.ending or not again.already


def main():
    passed, failed = 0, 0
    for check, role in ((generated_client, "helpdesk"), (schemathesis, "helpdesk"), (schemathesis, "auditor")):
        folder = pathlib.Path(tempfile.mkdtemp(prefix="curfew-api-"))
        try:
            with portal(folder) as url:
                token = Administrator(url).token(role)
                wait_for_sessions(url, token)
                check(folder, url, token)
            passed += 1
            print(f"ok: {check.__name__} as {role}", flush=True)
        except Exception as cause:  # each check is told of, whatever broke it
            failed += 1
            print(f"FAILED: {check.__name__} as {role}: {cause!r}", flush=True)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    print(f"{passed} passed, {failed} failed, 0 skipped")


main()
