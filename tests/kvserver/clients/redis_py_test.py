#!/usr/bin/env python3
"""What programs written with redis-py do, with its own parser and with hiredis.

Goal: they run unchanged. Method: a kvserver of its own on a free port, asked by redis-py only.
Usage: redis_py_test.py KVSERVER. Exit code 77: redis-py is not installed.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

SKIPPED = 77

try:
    import redis
    from redis.connection import PythonParser
except ImportError as missing:
    print("skipped:", missing)
    sys.exit(SKIPPED)

try:
    from redis.connection import HiredisParser
    import hiredis  # noqa: F401
except ImportError:
    HiredisParser = None


class Server:
    """A kvserver process; ends with stop()."""

    def __init__(self, program):
        self.directory = tempfile.mkdtemp(prefix="kvserver-py-")
        self.process = subprocess.Popen(
            [program, "--port", "0", "--data-dir", os.path.join(self.directory, "store")],
            stderr=subprocess.PIPE, text=True)
        for line in self.process.stderr:
            ready = re.search(r"ready on port (\d+)", line)
            if ready:
                self.port = int(ready.group(1))
                return
        raise RuntimeError("kvserver has not started")

    def stop(self):
        self.process.terminate()
        self.process.wait(timeout=30)
        self.process.stderr.close()
        shutil.rmtree(self.directory)


class Client:
    """The tests; subclasses say how replies are parsed."""

    parser = None

    def connect(self, **options):
        pool = redis.ConnectionPool(host="127.0.0.1", port=SERVER.port, parser_class=self.parser,
                                    socket_timeout=10, **options)
        client = redis.Redis(connection_pool=pool)
        self.addCleanup(pool.disconnect)
        return client

    def setUp(self):
        self.client = self.connect(decode_responses=True)
        self.known = set(self.client.execute_command("COMMAND LIST"))
        self.prefix = f"{self.id()}:"

    def key(self, name):
        return self.prefix + name

    # redis-py's incr() is INCRBY.
    def need(self, *commands):
        absent = [name for name in commands if name not in self.known]
        if absent:
            self.skipTest("not in this server: " + ", ".join(absent))

    def test_get_and_set(self):
        key = self.key("k")
        self.assertTrue(self.client.set(key, "v\u00e4lue"))
        self.assertEqual(self.client.get(key), "v\u00e4lue")
        self.assertEqual(self.client.delete(key), 1)
        self.assertIsNone(self.client.get(key))

    def test_bytes_stay_bytes(self):
        client = self.connect()
        value = bytes(range(256))
        client.set(self.key("k"), value)
        self.assertEqual(client.get(self.key("k")), value)

    def test_pipeline_is_a_transaction(self):
        self.need("incrby")
        key = self.key("n")
        with self.client.pipeline() as pipe:
            replies = pipe.set(key, 1).incr(key).get(key).execute()
        self.assertEqual(replies, [True, 2, "2"])

    def test_pipeline_without_transaction(self):
        self.need("incrby")
        key = self.key("n")
        with self.client.pipeline(transaction=False) as pipe:
            for _ in range(1000):
                pipe.incr(key)
            self.assertEqual(pipe.execute()[-1], 1000)

    def test_errors_within_a_pipeline(self):
        self.need("incrby")
        key = self.key("n")
        with self.client.pipeline() as pipe:
            replies = pipe.set(key, "x").incr(key).get(key).execute(raise_on_error=False)
        self.assertIsInstance(replies[1], redis.ResponseError)
        self.assertEqual(replies[2], "x")

    def test_watch(self):
        key = self.key("n")
        self.client.set(key, 1)
        with self.client.pipeline() as pipe:
            pipe.watch(key)
            value = int(pipe.get(key))
            self.client.set(key, 10)
            pipe.multi()
            pipe.set(key, value + 1)
            with self.assertRaises(redis.WatchError):
                pipe.execute()
        self.assertEqual(self.client.get(key), "10")

    def test_transaction_helper(self):
        key = self.key("n")

        def double(pipe):
            value = int(pipe.get(key) or 1)
            pipe.multi()
            pipe.set(key, value * 2)

        for _ in range(3):
            self.client.transaction(double, key)
        self.assertEqual(self.client.get(key), "8")

    def test_scan_iter(self):
        self.need("scan", "mset")
        keys = {self.key(str(i)) for i in range(500)}
        self.client.mset({key: "v" for key in keys})
        self.assertEqual(set(self.client.scan_iter(self.prefix + "*", count=50)), keys)

    def test_expiry(self):
        self.need("expire", "ttl", "pttl", "persist", "setex")
        key = self.key("k")
        self.assertTrue(self.client.set(key, "v", px=80))
        self.assertLessEqual(self.client.pttl(key), 80)
        deadline = time.monotonic() + 10
        while self.client.exists(key):
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.01)
        self.client.setex(key, 100, "v")
        self.assertTrue(self.client.expire(key, 50))
        self.assertLessEqual(self.client.ttl(key), 50)
        self.assertTrue(self.client.persist(key))
        self.assertEqual(self.client.ttl(key), -1)

    def test_lock_by_set_nx(self):
        self.need("expire")
        key = self.key("lock")
        self.assertTrue(self.client.set(key, "me", nx=True, ex=10))
        self.assertIsNone(self.client.set(key, "you", nx=True, ex=10))

    def test_connection_commands(self):
        self.assertTrue(self.client.ping())
        self.assertEqual(self.client.echo("x"), "x")
        self.assertTrue(self.client.client_setname("me"))
        self.assertEqual(self.client.client_getname(), "me")
        mine = [c for c in self.client.client_list() if int(c["id"]) == self.client.client_id()]
        self.assertEqual(mine[0]["name"], "me")
        self.assertEqual(self.client.client_info()["cmd"], "client|info")
        self.assertTrue(self.client.client_no_evict("ON"))

    def test_named_connection_with_health_checks(self):
        client = self.connect(client_name="named", health_check_interval=1, db=0)
        self.assertEqual(client.client_getname(), "named")
        with self.assertRaises(redis.ResponseError):
            self.connect(db=3).ping()

    def test_password_where_none_is_set(self):
        with self.assertRaises(redis.ResponseError):
            self.connect(password="secret").ping()
        self.assertTrue(self.connect(username="default", password="any").ping())

    def test_server_commands(self):
        info = self.client.info()
        self.assertEqual(info["role"], "master")
        self.assertEqual(info["redis_mode"], "standalone")
        self.assertEqual(self.client.config_get("databases"), {"databases": "1"})
        self.assertTrue(self.client.config_set("slowlog-log-slower-than", 0))
        self.client.get(self.key("k"))
        self.assertTrue(self.client.slowlog_len() > 0)
        self.assertIn("duration", self.client.slowlog_get(1)[0])
        self.assertTrue(self.client.slowlog_reset())
        self.assertTrue(self.client.config_set("slowlog-log-slower-than", 10000))
        self.assertEqual(len(self.client.time()), 2)
        self.assertEqual(self.client.role()[0], "master")
        self.assertTrue(self.client.save())
        self.assertTrue(self.client.bgsave())
        self.assertEqual(self.client.module_list(), [])
        self.assertEqual(self.client.acl_whoami(), "default")
        self.assertEqual(self.client.wait(0, 0), 0)
        self.assertEqual(self.client.command_count(), len(self.known))
        self.assertEqual(self.client.command()["get"]["arity"], 2)
        self.assertEqual(self.client.command_getkeys("GET", "a"), ["a"])

    def test_monitor(self):
        key = self.key("seen")
        with self.client.monitor() as monitor:
            self.connect().get(key)
            for _ in range(100):
                if monitor.next_command()["command"] == f"GET {key}":
                    return
        self.fail("MONITOR has not shown it")

    def test_missing_features_are_errors(self):
        for command in (["EVAL", "return 1", "0"], ["PUBLISH", "a", "b"], ["LPUSH", "a", "b"]):
            with self.assertRaises(redis.ResponseError):
                self.client.execute_command(*command)


class WithItsOwnParser(Client, unittest.TestCase):
    parser = PythonParser


@unittest.skipIf(HiredisParser is None, "hiredis is not installed")
class WithHiredis(Client, unittest.TestCase):
    parser = HiredisParser


class Shutdown(unittest.TestCase):
    def test_shutdown_ends_the_process(self):
        server = Server(sys.argv[1])
        redis.Redis(port=server.port).shutdown()
        self.assertEqual(server.process.wait(timeout=30), 0)
        server.stop()


if __name__ == "__main__":
    SERVER = Server(sys.argv[1])
    try:
        result = unittest.main(argv=sys.argv[:1], verbosity=2, exit=False).result
    finally:
        SERVER.stop()
    sys.exit(0 if result.wasSuccessful() else 1)
