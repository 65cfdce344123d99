#!/usr/bin/env python3
"""Talks to a kvserver with nothing but redis-py (Debian: python3-redis).

    examples/client/redis_client.py [HOST:PORT]
"""
import sys

import redis

host, _, port = (sys.argv[1] if len(sys.argv) > 1 else "127.0.0.1:7411").rpartition(":")
client = redis.Redis(host=host, port=int(port), decode_responses=True)

client.set("greeting", "hello from Python")
print("greeting is", client.get("greeting"))

# Many requests, one round trip.
with client.pipeline(transaction=False) as pipeline:
    for _ in range(1000):
        pipeline.incr("visits")
    print("visits:", pipeline.execute()[-1])

# The same as one transaction: all or nothing.
with client.pipeline(transaction=True) as pipeline:
    pipeline.set("a", 1)
    pipeline.incr("a")
    print("a is now", pipeline.execute()[-1])

client.delete("greeting")
print("greeting is", client.get("greeting"))

client.set("name", "Ada")
try:
    client.incr("name")
except redis.ResponseError as error:
    print(error)
