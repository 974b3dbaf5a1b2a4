"""A `vestibule emulate` of our own on a free port.

VESTIBULE_BIN names the binary; `cargo xtask test` sets it. EXCHANGES, if it names a folder, receives what was asked and answered.
"""

import itertools
import json
import os
import subprocess

_started = itertools.count()


class Emulator:
    def __init__(self):
        command = [os.environ["VESTIBULE_BIN"], "emulate", "--listen", "127.0.0.1:0", "--output", "json"]
        if folder := os.environ.get("EXCHANGES"):
            name = f"python-{os.getpid()}-{next(_started)}.jsonl"
            command += ["--record", os.path.join(folder, name)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        lines = []
        while not lines or lines[-1].rstrip() != "}":
            line = self.process.stdout.readline()
            if not line:
                raise RuntimeError(f"the emulator ended: {lines}")
            lines.append(line)
        self.facts = json.loads("".join(lines))

    def stop(self):
        self.process.terminate()
        self.process.wait()
        self.process.stdout.close()
