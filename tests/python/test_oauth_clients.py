"""OAuth libraries for Python, with their default settings, against a demo: link, consent, code, key, a call, and what else each has.

VESTIBULE_BIN names the binary; `cargo xtask test` sets it. docs/clients.md tells what is set and why.
"""

import html
import json
import os
import re
import shutil
import subprocess
import tempfile
import unittest

import requests
from authlib.integrations.requests_client import OAuth2Session as Authlib
from requests_oauthlib import OAuth2Session as RequestsOAuthlib

# Both refuse plain http; only the demo's loopback has no TLS.
os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"
os.environ["OAUTHLIB_INSECURE_TRANSPORT"] = "1"


class Demo:
    """A `vestibule demo` of our own on free ports."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="vestibule-python-")
        data = os.path.join(self.folder, "demo")
        places = [flag for name in ["--listen", "--app-listen", "--emulator-listen"] for flag in [name, "127.0.0.1:0"]]
        command = [os.environ["VESTIBULE_BIN"], "demo", *places, "--data-dir", data]
        if folder := os.environ.get("EXCHANGES"):
            command += ["--record", os.path.join(folder, f"python-demo-{os.getpid()}.jsonl")]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        while "Ctrl-C ends it" not in (line := self.process.stdout.readline()):
            if not line:
                raise RuntimeError("the demo ended")
        with open(os.path.join(data, "demo.json"), encoding="utf-8") as file:
            self.facts = json.load(file)

    def stop(self):
        self.process.terminate()
        self.process.wait()
        self.process.stdout.close()
        shutil.rmtree(self.folder)


def setUpModule():
    global demo
    demo = Demo()


def tearDownModule():
    demo.stop()


def fields(page):
    """What a form offers: its hidden inputs, and what is ticked."""
    for tag in re.findall(r"<input [^>]*>", page):
        attributes = {name: html.unescape(value) for name, value in re.findall(r'([a-z]+)="([^"]*)"', tag)}
        if attributes.get("type") == "hidden" or " checked" in tag:
            yield attributes["name"], attributes["value"]


def consent(link):
    """Opens a link and says yes to everything; the URL that leads back to the app."""
    with requests.Session() as browser:
        answer = browser.get(link, allow_redirects=False)
        for _ in range(12):
            if location := answer.headers.get("location"):
                if "/callback/" in answer.url:
                    return location
                answer = browser.get(location, allow_redirects=False)
                continue
            answer.raise_for_status()
            offered = list(fields(answer.text))
            url = answer.url.partition("?")[0]
            if 'method="post"' in answer.text:
                answer = browser.post(url, data=offered, allow_redirects=False)
            else:
                answer = browser.get(url, params=offered, allow_redirects=False)
    raise AssertionError("the consent does not end")


class Libraries(unittest.TestCase):
    def setUp(self):
        self.facts = demo.facts
        self.url = self.facts["gateway_url"]

    def at(self, name):
        return f"{self.url}/v1/oauth/{name}"

    def test_authlib(self):
        for pkce in [False, True]:
            more = {"code_challenge_method": "S256"} if pkce else {}
            verifier = {"code_verifier": "v" * 48} if pkce else {}
            client = Authlib(self.facts["client_id"], self.facts["app_secret"], redirect_uri=self.facts["return_url"], **more)
            link, state = client.create_authorization_url(self.at("authorize"), owner="user", **verifier)
            token = client.fetch_token(self.at("token"), authorization_response=consent(link), state=state, **verifier)
            self.assertEqual(client.get(f"{self.url}/v1/users/me").json()["id"], token["bot_id"])
            again = client.refresh_token(self.at("token"), refresh_token=token["refresh_token"])
            self.assertEqual(again["access_token"], token["access_token"])
            asked = client.introspect_token(self.at("introspect"), token=token["access_token"]).json()
            self.assertTrue(asked["active"])
            self.assertEqual(client.revoke_token(self.at("revoke"), token=token["access_token"]).status_code, 200)
            asked = client.introspect_token(self.at("introspect"), token=token["access_token"]).json()
            self.assertFalse(asked["active"])
            client.close()

    def test_requests_oauthlib(self):
        basic = requests.auth.HTTPBasicAuth(self.facts["client_id"], self.facts["app_secret"])
        with RequestsOAuthlib(self.facts["client_id"], redirect_uri=self.facts["return_url"]) as client:
            link, _ = client.authorization_url(self.at("authorize"), owner="user")
            token = client.fetch_token(
                self.at("token"), authorization_response=consent(link), client_secret=self.facts["app_secret"]
            )
            self.assertEqual(client.get(f"{self.url}/v1/users/me").json()["id"], token["bot_id"])
            again = client.refresh_token(self.at("token"), auth=basic)
            self.assertEqual(again["access_token"], token["access_token"])

    def test_requests_oauthlib_with_the_secret_in_the_body_is_told_what_to_set(self):
        with RequestsOAuthlib(self.facts["client_id"], redirect_uri=self.facts["return_url"]) as client:
            link, _ = client.authorization_url(self.at("authorize"))
            with self.assertRaisesRegex(Exception, r"HTTP Basic \(client_secret_basic\)"):
                client.fetch_token(
                    self.at("token"),
                    authorization_response=consent(link),
                    client_secret=self.facts["app_secret"],
                    include_client_id=True,
                    auth=lambda request: request,
                )


if __name__ == "__main__":
    unittest.main()
