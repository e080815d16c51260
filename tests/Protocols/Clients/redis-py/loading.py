# redis-py against a server whose database is still being opened. Prints "asking" when it has begun, and "served" when it was.
import sys

import redis

host, port, password = sys.argv[1], int(sys.argv[2]), sys.argv[3] if len(sys.argv) > 3 else None
r = redis.Redis(host=host, port=port, password=password, decode_responses=True, socket_timeout=60)
print("asking", flush=True)
refusals = 0
while True:
    try:
        r.set("a", "1")
        break
    except redis.exceptions.BusyLoadingError:
        refusals += 1
if r.get("a") != "1":
    sys.exit("what was stored is not there")
print(f"served {refusals}", flush=True)
