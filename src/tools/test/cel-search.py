"""Random conditions, judged by `brama` and by CEL's own implementation (cel-cpp, as `cel-expr-python`).

    cel-search.py BRAMA ROUNDS SEED

What `brama check` takes, CEL takes, and for the same request both come to the same: it holds, it does not, it fails. A
condition is written for both at once, since CEL is not told of records: `token.subject` is one variable there, and
`has(token.subject)` another.
"""

import datetime
import json
import random
import subprocess
import sys
import tempfile

from cel_expr_python import cel

BRAMA, ROUNDS, SEED = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
ROUTES, REQUESTS = 400, 6
NOW = 1_795_645_805

VARIABLES = {
    "request.method": cel.Type.STRING,
    "request.host": cel.Type.STRING,
    "request.path": cel.Type.STRING,
    "request.headers": cel.Type.Map(cel.Type.STRING, cel.Type.STRING),
    "params.id": cel.Type.STRING,
    "params.n": cel.Type.INT,
    "token.subject": cel.Type.STRING,
    "token.client_type": cel.Type.STRING,
    "token.tenant": cel.Type.STRING,
    "token.scopes": cel.Type.List(cel.Type.STRING),
    "token.expires": cel.Type.TIMESTAMP,
    "has_client_type": cel.Type.BOOL,
    "has_tenant": cel.Type.BOOL,
    "now": cel.Type.TIMESTAMP,
}
TEXTS = ["a", "b", "7", "-7", "07", "x-a", "api.example", "/c", "GET", "read", "é", "", "true", "2026-11-25T10:00:00Z", "90s", "A"]


class Writer:
    """Writes one condition, of a bounded depth; most of it of the right types."""

    def __init__(self, chance):
        self.chance = chance

    def one(self, *ways):
        return self.chance.choice(ways)

    def quoted(self):
        return json.dumps(self.one(*TEXTS), ensure_ascii=False)

    def text(self, depth, item=None):
        leaves = [
            self.quoted(), self.quoted(), "request.method", "request.host", "params.id", "token.subject",
            "token.client_type", "token.tenant", 'request.headers["x-a"]', "request.headers.accept",
        ] + ([item] * 4 if item else [])
        if depth == 0:
            return self.one(*leaves)
        return self.one(
            *leaves,
            f"{self.text(depth - 1, item)} + {self.text(depth - 1, item)}",
            f"string({self.whole(depth - 1, item)})",
            f"string({self.text(depth - 1, item)})",
            f"({self.truth(depth - 1, item)} ? {self.text(depth - 1, item)} : {self.text(depth - 1, item)})",
            f"token.scopes[{self.whole(0, item)}]",
            f"request.headers[{self.text(0, item)}]",
        )

    def whole(self, depth, item=None):
        leaves = ["0", "1", "7", "-1", "9223372036854775807", "params.n", "params.n"]
        if depth == 0:
            return self.one(*leaves)
        operator = self.one("+", "-", "*", "/", "%")
        return self.one(
            *leaves,
            f"({self.whole(depth - 1, item)} {operator} {self.whole(depth - 1, item)})",
            f"-({self.whole(depth - 1, item)})",
            f"int({self.text(depth - 1, item)})",
            f"int({self.time(depth - 1)})",
            f"size({self.text(depth - 1, item)})",
            f"{self.time(depth - 1)}.{self.one('getHours', 'getMinutes', 'getSeconds', 'getDayOfWeek')}()",
            "token.scopes.size()",
            "request.headers.size()",
        )

    def number(self, depth):
        """Of each sort: CEL compares none with another."""
        literals = ["7u", "0u", "1.5", "7.0", "0.0", "1e300"]
        if depth == 0:
            return self.one(*literals, self.whole(0))
        return self.one(*literals, self.whole(depth - 1), f"({self.number(0)} {self.one('+', '-', '*', '/', '%')} {self.number(0)})")

    def time(self, depth):
        leaves = ["now", "token.expires", 'timestamp("2026-11-25T22:30:05Z")', "timestamp(0)"]
        if depth == 0:
            return self.one(*leaves)
        return self.one(
            *leaves,
            f"({self.time(depth - 1)} {self.one('+', '-')} {self.span(depth - 1)})",
            f"timestamp({self.text(0)})",
            f"timestamp({self.whole(depth - 1)})",
        )

    def span(self, depth):
        leaves = ['duration("1h")', 'duration("90s")', 'duration("-5m")']
        if depth == 0:
            return self.one(*leaves)
        return self.one(
            *leaves,
            f"({self.time(depth - 1)} - {self.time(depth - 1)})",
            f"({self.span(depth - 1)} {self.one('+', '-')} {self.span(depth - 1)})",
            f"duration({self.text(0)})",
        )

    def anything(self, depth, item=None):
        return self.one(self.text, self.whole, self.truth)(depth, item)

    def truth(self, depth, item=None):
        leaves = ["true", "false", "has(token.client_type)", "has(token.tenant)", '"x-a" in request.headers']
        if depth == 0:
            return self.one(*leaves)
        compare = self.one("==", "!=", "<", "<=", ">", ">=")
        equal = self.one("==", "!=", "==", "in")
        test = self.one("contains", "startsWith", "endsWith")
        loop = self.one("all", "exists", "exists_one")
        ways = [
            f"{self.text(depth - 1, item)} {compare} {self.text(depth - 1, item)}",
            f"{self.whole(depth - 1, item)} {compare} {self.whole(depth - 1, item)}",
            f"{self.number(depth - 1)} {compare} {self.number(depth - 1)}",
            f"{self.time(depth - 1)} {compare} {self.time(depth - 1)}",
            f"{self.span(depth - 1)} {compare} {self.span(depth - 1)}",
            f"{self.text(depth - 1, item)}.{test}({self.text(depth - 1, item)})",
            f"({self.truth(depth - 1, item)} && {self.truth(depth - 1, item)})",
            f"({self.truth(depth - 1, item)} || {self.truth(depth - 1, item)})",
            f"!({self.truth(depth - 1, item)})",
            f"{self.text(0, item)} in [{self.text(0, item)}, {self.text(0, item)}]",
            f"{self.text(0, item)} in token.scopes",
            f"{self.text(0, item)} in request.headers",
            f"bool({self.text(0, item)})",
            # Of whatever types.
            f"{self.anything(depth - 1, item)} {equal} {self.anything(depth - 1, item)}",
        ]
        if item is None:
            where = self.one("token.scopes", "request.headers", f"[{self.text(0)}, {self.text(0)}]")
            filtered = f'{where}.filter(y, {self.truth(depth - 1, "y")})'
            ways += [f'{self.one(where, filtered)}.{loop}(x, {self.truth(depth - 1, "x")})'] * 4
            ways += [f"size({filtered}) {compare} {self.whole(0)}"]
        return self.one(*ways)


def for_cel(condition):
    return condition.replace("has(token.client_type)", "has_client_type").replace("has(token.tenant)", "has_tenant")


def document(conditions):
    verifier = {"introspect": {"authority": "a", "path": "/i", "hint": "t", "expect": {"/u": "t"}, "facts": {"further": {"tenant": "/tenant"}}}}
    cache = {"ttl": "1s", "refused_ttl": "1s", "entries": 1}
    require = {"credentials": ["token"], "scopes": "none"}
    return {
        "version": 1,
        "name": "search",
        "authorities": {"a": {"cluster": "a", "host": "a", "timeout": "1s", "auth": {"bearer_env": "S"}}},
        "credentials": {"token": {"header": "authorization", "scheme": "Bearer", "cache": cache, "verify": [verifier]}},
        "forward": {"headers": {}},
        "refusals": {"format": "bare"},
        "routes": [
            {"id": f"r{n}", "methods": ["GET", "PUT"], "path": f"/c{n}/{{id}}/{{n:int}}", "require": dict(require, conditions=[condition])}
            for n, condition in enumerate(conditions)
        ],
    }


def accepted(conditions, file):
    """The conditions that `brama check` takes, one document for all of them."""
    json.dump(document(conditions), open(file, "w"))
    shown = subprocess.run([BRAMA, "check", "--json", file], capture_output=True, text=True).stdout
    faulty = {int(path.split("]")[0][len("routes["):]) for path in paths(json.loads(shown)) if path.startswith("routes[")}
    return [condition for n, condition in enumerate(conditions) if n not in faulty]


def paths(report):
    """Every place of a fault in a report, however it is nested."""
    if isinstance(report, dict):
        if report.get("severity") == "error" and isinstance(report.get("path"), str):
            yield report["path"]
        for value in report.values():
            yield from paths(value)
    elif isinstance(report, list):
        for value in report:
            yield from paths(value)


def request(chance, route):
    token = {"subject": chance.choice(["a", "u1", "7"]), "scope": chance.choice(["", "a", "a read", "read x-a"])}
    for name in ["client_type", "tenant"]:
        if chance.random() < 0.6:
            token[name] = chance.choice(["a", "b", "true", "api.example"])
    if chance.random() < 0.8:
        token["expires"] = NOW + chance.choice([1, 90, 3600])
    headers = [[name, chance.choice(["a", "b", "", "é", "7", "90s"])] for name in ["x-a", "accept", "a", "7"] if chance.random() < 0.5]
    line = {
        "method": chance.choice(["GET", "PUT"]),
        "host": chance.choice(["api.example", "a", "b"]),
        "path": f"/c{route}/{chance.choice(['a', '7', 'b', '-7'])}/{chance.choice([0, 1, 7, 9223372036854775807])}",
        "headers": headers,
        "token": token,
        "now": NOW,
    }
    _root, _route, capture, number = line["path"].split("/")
    at = lambda seconds: datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc)
    values = {
        "request.method": line["method"],
        "request.host": line["host"],
        "request.path": line["path"],
        "request.headers": dict(headers),
        "params.id": capture,
        "params.n": int(number),
        "token.subject": token["subject"],
        "token.scopes": sorted(set(token["scope"].split())),
        "has_client_type": "client_type" in token,
        "has_tenant": "tenant" in token,
        "now": at(NOW),
    }
    values.update({f"token.{name}": token[name] for name in ["client_type", "tenant"] if name in token})
    if "expires" in token:
        values["token.expires"] = at(token["expires"])
    return line, values


def by_cel(expression, values):
    try:
        outcome = expression.eval(data=values)
    except Exception:
        return "fails"
    if outcome.type() != cel.Type.BOOL:
        return "fails"
    return "holds" if outcome.value() else "does not hold"


def by_brama(answer):
    if answer["decision"] == "allow":
        return "holds"
    return {"condition_false": "does not hold", "condition_failed": "fails"}.get(answer["denial"], answer["denial"])


def main():
    chance = random.Random(SEED)
    environment = cel.NewEnv(variables=VARIABLES)
    written = taken = judged = 0
    wrong = []
    outcomes = {}
    with tempfile.TemporaryDirectory() as folder:
        file = f"{folder}/search.json"
        for _round in range(ROUNDS):
            conditions = [Writer(chance).truth(chance.choice([1, 2, 2, 3])) for _ in range(ROUTES)]
            conditions = [condition for condition in conditions if len(condition) <= 1000]
            written += len(conditions)
            conditions = accepted(conditions, file)
            taken += len(conditions)
            json.dump(document(conditions), open(file, "w"))
            expressions = []
            for condition in conditions:
                try:
                    expressions.append(environment.compile(for_cel(condition)))
                except Exception as error:
                    expressions.append(None)
                    wrong.append(f"CEL does not take it: {condition}\n    {str(error).splitlines()[0]}")
            asked = [(n, *request(chance, n)) for n in range(len(conditions)) for _ in range(REQUESTS)]
            lines = "".join(json.dumps(line) + "\n" for _n, line, _values in asked)
            answers = subprocess.run([BRAMA, "decide", file], input=lines, capture_output=True, text=True, check=True).stdout
            for (n, line, values), answer in zip(asked, answers.splitlines(), strict=True):
                if expressions[n] is None:
                    continue
                judged += 1
                ours, theirs = by_brama(json.loads(answer)), by_cel(expressions[n], values)
                outcomes[ours] = outcomes.get(ours, 0) + 1
                if ours != theirs:
                    wrong.append(f"{conditions[n]}\n    {json.dumps(line)}\n    brama: {ours}; CEL: {theirs}")
    print(f"{written} conditions written, {taken} taken, {judged} judgements: {outcomes}; {len(wrong)} unlike CEL's")
    for one in wrong[:40]:
        print(f"  {one}")
    sys.exit(1 if wrong else 0)


main()
