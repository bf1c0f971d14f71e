"""JSON that somebody has changed: values of other types and sizes, and what is missing, double or too deep."""

import json

HUGE = "9" * 5000  # more digits than Python reads
VALUES = [
    *(
        "null",
        "true",
        "false",
        "0",
        "-1",
        "1",
        "2",
        "7",
        "0.5",
        "-0.0",
        "1e999",
        "-1e999",
        "NaN",
        "Infinity",
        "1e308",
        "5e-324",
    ),
    *("9223372036854775808", "-9223372036854775809", "2147483648", "4294967296", "1" + "0" * 400, "-" + "1" + "0" * 400, HUGE),
    *('""', '"x"', '"\\ud800"', '"\\u0000"', '"\\u001b[31m"', '"\\u202e"', '"' + "x" * 3000 + '"', '"AAAA"', '"eJwDAAAAAAE="'),
    *("[]", "{}", "[[]]", "[null]", "[0]", '["x"]', '{"kind": "text"}', '{"kind": ["text"]}', '{"schema": 2}', "[1, 2, 3]"),
    *("[" * 400 + "]" * 400, '{"x":' * 400 + "1" + "}" * 400, "[" * 100_000 + "]" * 100_000, "[0" + ", 0" * 3000 + "]"),
]


def mutate(data, random):
    """The JSON text of data, in which one or more places were changed."""
    tree = json.loads(json.dumps(data))
    marks = {}
    for number in range(random.choice([1, 1, 1, 2, 3])):
        places = list(_places(tree))
        if not places:
            break
        parent, key = random.choice(places)
        kind = random.randrange(8)
        if kind == 0:
            del parent[key]
        elif kind == 1 and isinstance(parent, list):
            parent.insert(random.randrange(len(parent) + 1), json.loads(json.dumps(parent[key])))
        elif kind == 2:
            other, other_key = random.choice(places)
            try:
                parent[key], other[other_key] = other[other_key], parent[key]
                json.dumps(tree)
            except (ValueError, RecursionError, IndexError, KeyError):  # it would hold itself
                return mutate(data, random)
        elif kind == 3 and isinstance(parent[key], (int, float)) and not isinstance(parent[key], bool):
            parent[key] = random.choice(
                [-parent[key] - 1, parent[key] * 10**6 + 1, parent[key] + 1, float(parent[key]), str(parent[key])]
            )
        elif kind == 4 and isinstance(parent, dict):
            parent[f"{key}{random.choice(['x', '_', ''])}"] = parent.pop(key)
        elif kind == 5 and isinstance(parent[key], str) and parent[key]:
            place = random.randrange(len(parent[key]))
            parent[key] = (
                parent[key][:place] + random.choice(["", "A", "/", "=", "\0", "\ud800", "é"]) + parent[key][place + 1 :]
            )
        else:
            mark = f"mutation {number}"
            parent[key] = mark
            marks[json.dumps(mark)] = random.choice(VALUES)
    text = json.dumps(tree)
    for mark, value in marks.items():
        text = text.replace(mark, value)
    if random.randrange(10) == 0:  # a key twice
        text = text.replace('"label":', f'"label": {random.choice(VALUES)}, "label":', 1)
    if random.randrange(20) == 0:
        text = text[: random.randrange(len(text))]
    return text


def _places(tree):
    """Every container in the tree with each of its keys."""
    waiting = [tree]
    while waiting:
        container = waiting.pop()
        for key in list(container) if isinstance(container, dict) else range(len(container)):
            yield container, key
            if isinstance(container[key], (dict, list)):
                waiting.append(container[key])
