#!/usr/bin/env python3
"""Three equal nodes: one is killed, one is cut off, everything converges.

    python3 three_nodes.py KVSERVER [PACKAGE_LIST...]

KVSERVER is the program. The lists are files as Debian's Translation-en; without them a few texts of
this file are stored. Everything happens on 127.0.0.1 and in a directory that is removed at the end.
Exit code 1: something was not as replication.md promises. Needs only the standard library.
"""
import os
import shutil
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from proxy import Proxy, free_ports  # noqa: E402
from resp import Client, Error  # noqa: E402

NODES = (1, 2, 3)
TEXTS = {
    "nginx": "small, powerful, scalable web and proxy server",
    "apache2": "the most popular web server of the world",
    "postfix": "high-performance mail transport agent",
    "dovecot": "secure mail server that serves mailboxes",
    "redis": "persistent key-value database with a network interface",
    "xapian": "search engine library with ranked retrieval",
}


def step(text):
    print(f"\n== {text}", flush=True)


def say(text):
    print(f"   {text}", flush=True)


def check(condition, promise):
    say(("ok: " if condition else "BROKEN: ") + promise)
    if not condition:
        raise SystemExit(1)


def wait_for(what, condition, seconds=30):
    start = time.monotonic()
    while time.monotonic() - start < seconds:
        try:
            if condition():
                return time.monotonic() - start
        except (OSError, Error):
            pass
        time.sleep(0.02)
    check(False, f"{what} within {seconds} s")


class Cluster:
    """Three processes. Every link from one to another goes through a proxy of its own."""

    def __init__(self, program, directory):
        self.program, self.directory = program, directory
        ports = free_ports(6)
        self.port = dict(zip(NODES, ports[:3]))
        self.peer_port = dict(zip(NODES, ports[3:]))
        self.links = {(a, b): Proxy(self.peer_port[b]) for a in NODES for b in NODES if a != b}
        self.processes, self.clients = {}, {}

    def start(self, node):
        peers = ",".join(
            f"{other}@127.0.0.1:{self.links[node, other].port}" for other in NODES if other != node)
        self.processes[node] = subprocess.Popen([
            self.program, "--listen", f"127.0.0.1:{self.port[node]}", "--node-id", str(node),
            "--peer-listen", f"127.0.0.1:{self.peer_port[node]}", "--peers", peers,
            "--data-dir", os.path.join(self.directory, f"node{node}"), "--memory", "64MB",
            "--space", ":text", "--log-level", "error"])

    def ask(self, node, *command):
        if node not in self.clients:
            self.clients[node] = Client(self.port[node])
        try:
            return self.clients[node].ask(*command)
        except OSError:
            del self.clients[node]
            raise

    def is_ready(self, node):
        return dict_of(self.ask(node, "KV.CLUSTER"))[b"state"] == b"ready"

    def kill(self, node):
        self.processes[node].kill()
        self.processes[node].wait()
        self.clients.pop(node, None)

    def cut_off(self, node, is_cut):
        for (a, b), link in self.links.items():
            if node in (a, b):
                link.set_cut(is_cut)

    def are_equal(self):
        prints = [dict_of(self.ask(node, "KV.FINGERPRINT")) for node in NODES]
        return all(p[b"fingerprint"] == prints[0][b"fingerprint"] and
                   p[b"clock_hash"] == prints[0][b"clock_hash"] for p in prints)

    def find(self, node, query):
        hits = dict_of(self.ask(node, "KV.SEARCH", query, "LIMIT", "3"))[b"hits"]
        return [dict_of(hit)[b"key"].decode() for hit in hits]

    def stop(self):
        for process in self.processes.values():
            process.terminate()
        for process in self.processes.values():
            process.wait()
        for link in self.links.values():
            link.close()


def dict_of(reply):
    return dict(zip(reply[::2], reply[1::2]))


def texts_of(files, limit=2_000):
    """Package names and descriptions, the first so many."""
    texts, name = {}, None
    for file in files:
        with open(file, encoding="utf-8", errors="replace") as lines:
            for line in lines:
                if line.startswith("Package: "):
                    name = line.split(": ", 1)[1].strip()
                elif line.startswith("Description-en: ") and name:
                    texts[name] = line.split(": ", 1)[1].strip()
                    if len(texts) == limit:
                        return texts
    return texts or TEXTS


def play(cluster, texts):
    step("Three nodes start, each with an empty directory")
    for node in NODES:
        cluster.start(node)
    for node in NODES:
        wait_for(f"node {node} is ready", lambda: cluster.is_ready(node))
        say(f"node {node} takes clients on port {cluster.port[node]}")

    step(f"{len(texts)} texts are written, through every node in turn")
    for place, (key, text) in enumerate(texts.items()):
        cluster.ask(NODES[place % 3], "SET", key, text)
    took = wait_for("the nodes are equal", cluster.are_equal)
    say(f"all nodes hold the same {took:.2f} s after the last write (one fingerprint of all keys)")
    found = [cluster.find(node, "mail server") for node in NODES]
    check(found[0] and found[0] == found[1] == found[2],
          f"a search finds {', '.join(found[0])} on every node")

    step("Node 3 is killed; the others go on")
    cluster.kill(3)
    for i in range(100):
        cluster.ask(1 + i % 2, "SET", f"while-3-was-dead-{i}", "written at a quorum of two")
    cluster.ask(1, "DEL", "nginx" if "nginx" in texts else next(iter(texts)))
    say("100 writes and a delete were acknowledged by two nodes")
    cluster.start(3)
    wait_for("node 3 is ready", lambda: cluster.is_ready(3))
    took = wait_for("the nodes are equal", cluster.are_equal)
    check(cluster.ask(3, "GET", "while-3-was-dead-99") is not None,
          f"node 3 is back, and has what it missed ({took:.2f} s)")

    step("Node 1 is cut off from the others, and both sides are written")
    cluster.ask(1, "SET", "gone", "will be deleted over there")
    cluster.ask(1, "SET", "city", "Bonn")
    wait_for("the nodes are equal", cluster.are_equal)
    cluster.cut_off(1, True)
    cluster.ask(2, "SET", "city", "Berlin")
    cluster.ask(3, "INCR", "visits")
    cluster.ask(2, "DEL", "gone")
    say("node 2, with node 3: city = Berlin, visits + 1, gone is deleted")
    for command in (("SET", "city", "Paris"), ("INCR", "visits")):
        try:
            cluster.ask(1, *command)
            check(False, "a node alone acknowledges nothing at quorum")
        except Error as error:
            say(f"node 1, alone: {' '.join(command)} -> {error}")

    step("The cut is healed")
    cluster.cut_off(1, False)
    took = wait_for("the nodes are equal", cluster.are_equal)
    say(f"all nodes hold the same after {took:.2f} s")
    check(all(cluster.ask(node, "GET", "gone") is None for node in NODES),
          "what was deleted stays deleted, on every node")
    check(all(cluster.ask(node, "GET", "visits") == b"2" for node in NODES),
          "both increments count")
    state = dict_of(cluster.ask(3, "KV.GETX", "city"))
    check(sorted(state[b"siblings"]) == [b"Berlin", b"Paris"],
          "neither city was lost: they are siblings, and every node shows " +
          state[b"value"].decode())
    cluster.ask(3, "KV.SETX", "city", "Berlin and Paris", "CTX", state[b"version"])
    wait_for("the nodes are equal", cluster.are_equal)
    check(all(cluster.ask(node, "GET", "city") == b"Berlin and Paris" for node in NODES),
          "a write that has seen both replaces both")

    step("The disk of node 2 is lost")
    cluster.kill(2)
    shutil.rmtree(os.path.join(cluster.directory, "node2"))
    cluster.start(2)
    took = wait_for("node 2 is ready", lambda: cluster.is_ready(2))
    wait_for("the nodes are equal", cluster.are_equal)
    check(cluster.ask(2, "GET", "city") == b"Berlin and Paris",
          f"node 2 has everything again, {took:.2f} s after it started empty")
    print("\nAll promises held.")


def main():
    if len(sys.argv) < 2:
        raise SystemExit(__doc__)
    directory = tempfile.mkdtemp(prefix="three_nodes.")
    cluster = Cluster(sys.argv[1], directory)
    try:
        play(cluster, texts_of(sys.argv[2:]))
    finally:
        cluster.stop()
        shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":
    main()
