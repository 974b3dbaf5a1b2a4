"""requests and httpx with their default settings, each with a session of its own, and httpx with HTTP/2 wished for.

Arguments: a base URL that ends in /v1, a token. Prints the status of three calls of each.
"""

import sys

import httpx
import requests

base, token = sys.argv[1:]
headers = {"Authorization": f"Bearer {token}", "Notion-Version": "2025-09-03"}


def chunks():
    yield b'{"page_size": '
    yield b"1}"


for client in (requests.Session(), httpx.Client()):
    with client:
        answers = [
            client.get(base + "/users/me", headers=headers),
            client.post(base + "/search", headers=headers, json={"page_size": 1}),
            client.get(base + "/users/me", headers=headers),
        ]
        if isinstance(client, requests.Session):
            kind = {"Content-Type": "application/json"}
            answers.append(client.post(base + "/search", headers=headers | kind, data=chunks()))
        for answer in answers[:3]:
            answer.json()
        if any(answer.status_code != 200 for answer in answers):
            print("!", end="")
        print(*(answer.status_code for answer in answers[:3]), end=" ")
