"""A contestant that does nothing but what its first argument says: an object {"facts", "seconds", and how it fails}."""

import json
import sys
import time

how = json.loads(sys.argv[1])


def say(answer):
    print(json.dumps(answer), flush=True)


if how.get("dies") == "start":
    sys.exit("no such device")
say({"ready": {"versions": {}}})
for line in sys.stdin:
    asked = json.loads(line)
    if "prepare" in asked:
        if how.get("dies") == "prepare":
            raise MemoryError("no memory left")
        say({"error": "cannot do that"} if how.get("refuses") else {"ready": {**how.get("facts", {}), "spec": asked}})
    else:
        if how.get("dies") == "run":
            sys.exit(3)
        if how.get("hangs"):
            time.sleep(60)
        if "log" in how:
            with open(how["log"], "a") as log:
                log.write(f"{how['name']} ")
        say({"seconds": how.get("seconds", 0.001) * asked["run"]})
