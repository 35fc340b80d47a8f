# SPDX-License-Identifier: BSD-3-Clause
"""Pictures of a probe in mermaid's language, drawn from its own objects: nothing is in them that is not there."""

from collections.abc import Iterator
from typing import Any

from device.regs import pci
from device.regs.fold import Touch
from driver.ixgbe.adapter import Adapter
from driver.ixgbe.explain.record import CONFIG_TEXT, Section
from driver.ixgbe.explain.words import Words
from driver.ixgbe.sw_init import QUEUES_MAX

NETDEV_ALIGN = 32  # Ref: netdevice.h
VECTORS_DRAWN = 8
VECTORS_LINKED = 4


def _is_config(touch: Touch) -> bool:
    if touch.register is not None:
        return touch.register.__module__ == pci.__name__
    return touch.name.startswith(CONFIG_TEXT)


def sequence(steps: list[Section], words: Words) -> str:
    """Who talked to whom, step by step."""
    lines = [
        "sequenceDiagram",
        "    participant D as driver",
        "    participant C as config space",
        "    participant R as BAR 0",
        "    participant V as door",
    ]
    for number, section in enumerate(steps, 1):
        config = sum(map(_is_config, section.touches))
        doors = [what for what in section.does if isinstance(what, str)]
        talks = [("C", config), ("R", len(section.touches) - config)]
        told = [f"    D->>{who}: {words.say('accesses', count=count)}" for who, count in talks if count]
        told += [f"    D->>V: {what}" for what in doors]
        lines += [f"    Note over D: {number} {section.name}", *told]
        if section.failure is not None:
            lines.append(f"    Note over D,V: {type(section.failure).__name__}")
    return "\n".join(lines)


def _nodes(adapter: Adapter) -> dict[str, tuple[object, str]]:
    """The objects of a probed port, by their names in the picture, with what they hold."""
    hw, scheme, vsi = adapter.hw, adapter.scheme, adapter.scheme.vsi
    found: dict[str, tuple[object, str]] = {
        "door": (adapter.door, adapter.door.name),
        "bar": (adapter.bar, f"BAR 0, {adapter.bar.len_bytes // 1024} KiB"),
        "claim": (adapter.claim, ""),
        "hw": (hw, hw.device.name),
        "eeprom": (hw.eeprom, f"{hw.eeprom.words} words"),
        "phy": (hw.phy, hw.phy.title),
        "link": (hw.link, ""),
        "mac": (hw.mac, adapter.mac),
        "sw": (adapter.sw, f"MTU {adapter.sw.mtu}, RSS {adapter.sw.rss_limit}"),
        "scheme": (scheme, scheme.kind.name if scheme.kind is not None else ""),
        "adapter": (adapter, adapter.door.name),
    }
    if vsi is not None:
        found["vsi"] = (vsi, f"{vsi.num_rxq} Rx, {vsi.num_txq} Tx")
    for q_vector in adapter.q_vectors[:VECTORS_LINKED]:
        found[f"q_vector{q_vector.v_idx}"] = (q_vector, f"v_idx {q_vector.v_idx}, reg_idx {q_vector.reg_idx}")
    return found


def _attributes(thing: object) -> Iterator[tuple[str, object]]:
    yield from getattr(thing, "__dict__", {}).items()
    for base in type(thing).__mro__:
        for name in getattr(base, "__slots__", ()):
            if hasattr(thing, name):
                yield name, getattr(thing, name)


def edges(nodes: dict[str, tuple[object, str]]) -> list[tuple[str, str, str]]:
    """Which object has which other as an attribute, and what it calls it."""
    names = {id(thing): name for name, (thing, _) in nodes.items()}
    found = []
    for name, (thing, _) in nodes.items():
        for attribute, value in _attributes(thing):
            if id(value) in names:
                found.append((name, attribute, names[id(value)]))
            elif isinstance(value, list):
                inside = ((n, names[id(one)]) for n, one in enumerate(value) if id(one) in names)
                found += [(name, f"{attribute} {n}", other) for n, other in inside]
    return found


def memory(adapter: Adapter, _: Words) -> str:
    """The netdev and the adapter: the one piece that the kernel makes, and the objects here."""
    nodes = _nodes(adapter)
    lines = [
        "flowchart LR",
        f'    subgraph kernel["alloc_netdev_mqs(sizeof(struct ixgbe_adapter), …, {QUEUES_MAX}, {QUEUES_MAX})"]',
        "        direction TB",
        '        k_netdev["struct net_device"]',
        f'        k_pad["… ALIGN(sizeof(struct net_device), {NETDEV_ALIGN})"]',
        '        k_adapter["struct ixgbe_adapter"]',
        "        k_netdev --- k_pad --- k_adapter",
        "    end",
        "    k_netdev -. netdev_priv .-> k_adapter",
        "    k_adapter -. adapter->netdev .-> k_netdev",
    ]
    for name, (thing, holds) in nodes.items():
        lines.append(f'    {name}["{type(thing).__name__.lstrip("_")}{f"<br/>{holds}" if holds else ""}"]')
    lines.append("    k_adapter -.-> adapter")
    lines += [f"    {one} -- {attribute} --> {other}" for one, attribute, other in edges(nodes)]
    return "\n".join(lines)


def rings(vectors: list[dict[str, Any]], words: Words) -> str:
    """Each q_vector with its interrupt, its CPU and its rings; as in the kernel a list runs from the last ring down."""
    lines = ["flowchart LR"]
    for row in vectors[:VECTORS_DRAWN]:
        if row["vector"] is None:
            lines.append(f'    o["{words.say("other")}<br/>reg_idx {row["reg_idx"]}"]')
            continue
        n = row["reg_idx"]
        cpus = " ".join(map(str, row["cpus"])) or words.say("any")
        title = f"{row['vsi']} q_vector {row['vector']}"
        lines.append(f'    q{n}["{title}<br/>reg_idx {n}, CPU {cpus}"]')
        for kind in ("rx", "tx", "xdp"):
            before, arrow = f"q{n}", f"-- {kind} -->"
            for ring in reversed(row.get(kind, ())):
                lines.append(f'    {before} {arrow} {kind}{ring}(["{kind} ring {ring}"])')
                before, arrow = f"{kind}{ring}", "-- next -->"
    if len(vectors) > VECTORS_DRAWN:
        lines.append(f'    more["+ {len(vectors) - VECTORS_DRAWN}"]')
    return "\n".join(lines)
