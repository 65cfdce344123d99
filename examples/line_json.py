#!/usr/bin/env python3
"""Talks line JSON to a kvserver, with nothing but the standard library.

    python3 line_json.py [HOST [PORT]]        (127.0.0.1 7411)

One JSON object per line, either way; see kvserver/doc/protocol.md.
"""
import json
import socket
import sys


class Client:
    def __init__(self, host="127.0.0.1", port=7411, timeout=10):
        self.socket = socket.create_connection((host, port), timeout)
        self.replies = self.socket.makefile("rb")

    def send(self, requests):
        """Sends requests without waiting, and yields their results in order."""
        lines = [json.dumps(request) + "\n" for request in requests]
        self.socket.sendall("".join(lines).encode())
        for _ in lines:
            line = self.replies.readline()
            if not line.endswith(b"\n"):
                raise ConnectionError("the server has closed the connection")
            yield json.loads(line)

    def ask(self, command, **arguments):
        reply = next(self.send([{"command": command, **arguments}]))
        if reply["status"] != "ok":
            raise RuntimeError(f"{reply['code']}: {reply['message']}")
        return reply.get("result", reply.get("result_b64"))


def main():
    host = sys.argv[1] if len(sys.argv) > 1 else "127.0.0.1"
    port = int(sys.argv[2]) if len(sys.argv) > 2 else 7411
    client = Client(host, port)

    # Any JSON value is a value.
    print("SET    ", client.ask("SET", key="user:1", value={"name": "John", "age": 30}))
    print("GET    ", client.ask("GET", key="user:1"))
    print("GET    ", client.ask("GET", key="nobody"))

    # Several keys at once: all of them are stored, or none.
    print("MSET   ", client.ask("MSET", items={"user:2": {"name": "Jane"}, "visits": 41}))
    print("MGET   ", client.ask("MGET", key=["user:2", "visits"]))
    print("INCR   ", client.ask("INCR", key="visits"))

    # A pipeline: a thousand durable writes, one journey.
    requests = [
        {"id": i, "command": "SET", "key": f"n:{i}", "value": i} for i in range(1000)
    ]
    replies = list(client.send(requests))
    print("PIPELINE", sum(reply["status"] == "ok" for reply in replies), "stored, last id",
          replies[-1]["id"])

    print("DELETE ", client.ask("DELETE", key=["user:1", "user:2", "visits"]))
    try:
        client.ask("SET", key="user:1")
    except RuntimeError as error:
        print("ERROR  ", error)


if __name__ == "__main__":
    main()
