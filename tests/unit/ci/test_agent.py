# SPDX-License-Identifier: BSD-3-Clause
"""The guest's agent, on a kernel log that is a socket and a port that is a pipe."""

import json
import os
import socket

from ci.agent import Agent


def test_the_kernel_has_its_say_before_a_command_ends() -> None:
    kernel, log = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)  # as of /dev/kmsg, each read is one record
    ours, port = os.pipe()
    with kernel, log, os.fdopen(ours, "rb") as heard:
        log.setblocking(False)
        kernel.send(b"6,1,100,-;first\n SUBSYSTEM=pci\n")
        kernel.send(b"4,2,200,-;second; with more\n")
        Agent(port, log.fileno()).run(7, "echo out; exit 3", 60)
        os.close(port)
        said = [json.loads(line) for line in heard]
    assert said[0] == {"id": 7, "out": "out\n"}
    assert said[1:] == [{"kmsg": [6, "first"]}, {"kmsg": [4, "second; with more"]}, {"id": 7, "exit": 3}]
