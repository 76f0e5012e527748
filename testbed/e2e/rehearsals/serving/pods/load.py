"""Sends scoring requests at a steady rate; prints each answer as a line of JSON.

Half of the clients keep their connection, the others open one for each request. No request is repeated.
"""

import http.client
import json
import os
import threading
import time

HOST = os.environ["HOST"]
CLIENTS = int(os.environ["CLIENTS"])
PER_SECOND = float(os.environ["PER_SECOND"])
COUNT = int(os.environ.get("COUNT", "0"))
BODY = json.dumps({"inputs": [[1.0, 2.0]]})
HEADERS = {"Content-Type": "application/json"}
said = threading.Lock()


def score(connection):
    """Send one request; returns the status, the headers and the body of the answer."""
    connection.request("POST", "/invocations", BODY, HEADERS)
    answer = connection.getresponse()
    return answer.status, answer.headers, answer.read()


def line(connection):
    """Send one request, and print the answer or the error as a line."""
    began = time.time()
    found = {"at": began, "status": 0, "version": "", "answer": "", "error": ""}
    try:
        status, headers, body = score(connection)
        found |= {"status": status, "version": headers.get("X-MLflow-Model-Version", "")}
        found["answer"] = json.loads(body)["predictions"][0] if status == 200 else body.decode()[:200]
    except (OSError, http.client.HTTPException, ValueError) as error:
        found["error"] = f"{type(error).__name__}: {error}"
        connection.close()
    found["seconds"] = round(time.time() - began, 3)
    with said:
        print(json.dumps(found), flush=True)


def client(number):
    """Send the requests of one client. Clients with an even number keep their connection."""
    connection, sent = http.client.HTTPConnection(HOST, timeout=30), 0
    next_at = time.monotonic() + number / PER_SECOND
    while not COUNT or sent < COUNT // CLIENTS:
        time.sleep(max(0, next_at - time.monotonic()))
        next_at += CLIENTS / PER_SECOND
        line(connection)
        sent += 1
        if number % 2:
            connection.close()


threads = [threading.Thread(target=client, args=(number,)) for number in range(CLIENTS)]
for one in threads:
    one.start()
for one in threads:
    one.join()
