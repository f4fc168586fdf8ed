"""The Kubernetes manifests of the project, held against the definitions (CRDs) that a cluster would hold them against.

    manifests.py BRAMA CRDS POLICY...

CRDS is a folder of CustomResourceDefinition files. The manifests are all that `brama render` writes for these policies, and
all in the documents and in `envoy/`. Unknown fields are faults, although a cluster may drop them without a word: what was
dropped guards nothing.
"""

import copy
import json
import pathlib
import re
import subprocess
import sys

import jsonschema
import yaml
from cel_expr_python import cel

ROOT = pathlib.Path(__file__).parents[3]
DOCUMENTS = ["README.md", "docs/**/*.md", "envoy/**/*.md", "policies/**/*.md", "src/**/*.md"]
FILES = ["envoy/**/*.yaml", "envoy/**/*.yml", "envoy/**/*.json"]

SUM = "0" * 64
IMAGE = ["--wasm-url", "oci://registry.example/brama:1", "--sha256", SUM, "--namespace", "ehealth"]
HTTPS = ["--wasm-url", "https://files.example/brama.wasm", "--sha256", SUM, "--namespace", "ehealth"]
FILE = ["--wasm-url", "file:///opt/brama.wasm", "--namespace", "ehealth"]
PODS = [["--workload", workload, "--selector", "app=x", "--selector", "tier=y"] for workload in ("gateway", "sidecar")]
# The flags of each way in which a target is rendered; none for what is no manifest.
TARGETS = {
    "plugin-config": [],
    "envoy-ecds": [],
    "istio": [place + pods for place in (IMAGE, HTTPS, FILE) for pods in PODS],
    "envoy-gateway": [place + ["--gateway", "eg"] for place in (IMAGE, HTTPS)],
}

# Kubernetes' own kinds have no CRD.
CORE = re.compile(
    r"(v\d\w*|(apps|autoscaling|batch|policy)/.*"
    r"|(admissionregistration|apiextensions|apiregistration|certificates|coordination|discovery|events|networking|node"
    r"|rbac\.authorization|scheduling|storage)\.k8s\.io/.*)"
)

# What people write of https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/object-meta/.
TEXTS = {"type": "object", "additionalProperties": {"type": "string"}}
METADATA = {
    "type": "object",
    "required": ["name"],
    "additionalProperties": False,
    "properties": {
        "name": {"type": "string", "pattern": r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$", "maxLength": 253},
        "namespace": {"type": "string", "pattern": r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$", "maxLength": 63},
        "labels": TEXTS,
        "annotations": TEXTS,
    },
}


class Reader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
    """YAML as Kubernetes reads it: a time is a text, and a key that is there twice is a fault."""

    yaml_implicit_resolvers = {
        sign: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
        for sign, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def construct_mapping(self, node, deep=False):
        keys = [self.construct_object(key, deep=True) for key, _value in node.value]
        for key in keys:
            if keys.count(key) > 1:
                raise yaml.constructor.ConstructorError(None, None, f"{key!r} is there twice", node.start_mark)
        return super().construct_mapping(node, deep)


def objects(text):
    """The objects of a stream of YAML, and those in its lists."""
    for one in yaml.load_all(text, Reader):
        if isinstance(one, dict) and one.get("kind") == "List":
            yield from one.get("items") or []
        elif one is not None:
            yield one


def definitions(folder):
    """The schema of each version of each kind, and the kinds that have any."""
    found = {}
    for file in sorted(path for path in folder.rglob("*") if path.suffix in (".yaml", ".yml", ".json")):
        for one in objects(file.read_text()):
            if not isinstance(one, dict) or one.get("kind") != "CustomResourceDefinition":
                continue
            spec = one["spec"]
            for version in spec["versions"]:
                key = (f"{spec['group']}/{version['name']}", spec["names"]["kind"])
                schema = version["schema"]["openAPIV3Schema"]
                if not version["served"]:
                    continue
                if found.setdefault(key, schema) != schema:
                    sys.exit(f"{file}: a definition of {key[1]} ({key[0]}) is there that another file has otherwise")
    return found


def closed(schema):
    """A schema in which only what is named may be there, where a cluster would drop the rest."""
    schema = dict(schema)
    if "properties" in schema:
        schema["properties"] = {name: closed(of) for name, of in schema["properties"].items()}
    for inner in ("items", "additionalProperties"):
        if isinstance(schema.get(inner), dict):
            schema[inner] = closed(schema[inner])
    if schema.get("x-kubernetes-embedded-resource"):
        schema["properties"] = {"apiVersion": {}, "kind": {}, "metadata": {}, **schema.get("properties", {})}
    if schema.get("x-kubernetes-int-or-string"):
        schema.setdefault("anyOf", [{"type": "integer"}, {"type": "string"}])
    is_object = schema.get("type") == "object" or "properties" in schema
    if is_object and not schema.get("x-kubernetes-preserve-unknown-fields"):
        schema.setdefault("additionalProperties", False)
    return schema


def defaulted(schema, value):
    """A value with the defaults in it that a cluster would write there before it looks."""
    if isinstance(value, dict):
        for name, of in schema.get("properties", {}).items():
            if name not in value and "default" in of:
                value[name] = copy.deepcopy(of["default"])
        others = schema.get("additionalProperties")
        for name, member in value.items():
            of = schema.get("properties", {}).get(name, others if isinstance(others, dict) else {})
            defaulted(of, member)
    elif isinstance(value, list):
        for entry in value:
            defaulted(schema.get("items", {}), entry)
    return value


class Rules:
    """The rules in CEL (`x-kubernetes-validations`), and which of them could not be run."""

    def __init__(self):
        self.environment = cel.NewEnv(variables={"self": cel.Type.DYN})
        self.run, self.unchecked = set(), set()

    def __call__(self, _validator, rules, instance, _schema):
        for rule in rules:
            text = " ".join(rule["rule"].split())
            try:
                # A change is judged against what was there before, and here nothing was.
                outcome = None if "oldSelf" in text else self.environment.compile(text).eval(data={"self": instance})
            except Exception:
                outcome = None
            if outcome is None or outcome.type() != cel.Type.BOOL:
                self.unchecked.add(text)
                continue
            self.run.add(text)
            if not outcome.value():
                yield jsonschema.ValidationError(rule.get("message", f"the rule does not hold: {text}"))


def of_type(validator, types, instance, schema):
    if instance is not None or not schema.get("nullable"):
        yield from jsonschema.Draft4Validator.VALIDATORS["type"](validator, types, instance, schema)


def list_type(_validator, kind, instance, schema):
    keys = schema.get("x-kubernetes-list-map-keys", [])
    if kind == "atomic" or not isinstance(instance, list):
        return
    told = [[entry.get(key) for key in keys] if kind == "map" and isinstance(entry, dict) else entry for entry in instance]
    for at, one in enumerate(told):
        if one in told[:at]:
            yield jsonschema.ValidationError(f"{json.dumps(one)} is in the list twice")


FORMATS = jsonschema.FormatChecker(formats=())


@FORMATS.checks("int32")
def is_int32(value):
    return not isinstance(value, int) or -(2**31) <= value < 2**31


@FORMATS.checks("int64")
def is_int64(value):
    return not isinstance(value, int) or -(2**63) <= value < 2**63


class Judge:
    def __init__(self, found):
        self.found, self.rules = found, Rules()
        keywords = {"type": of_type, "x-kubernetes-list-type": list_type, "x-kubernetes-validations": self.rules}
        # OpenAPI 3.0 has the keywords of the fourth draft, such as `exclusiveMinimum: true`.
        self.validator = jsonschema.validators.extend(jsonschema.Draft4Validator, keywords)
        self.checked, self.core, self.faults = {}, {}, []

    def judge(self, where, one):
        if not isinstance(one, dict) or not all(isinstance(one.get(name), str) for name in ("apiVersion", "kind")):
            self.faults.append(f"{where}: it has no `apiVersion` and `kind`")
            return
        key = (one["apiVersion"], one["kind"])
        if key in self.found:
            self.checked[key] = self.checked.get(key, 0) + 1
            self.faults += [f"{where}: {key[1]}: {fault}" for fault in self.told(key, one)]
            self.refuses(where, key, one)
        elif CORE.fullmatch(key[0]):
            self.core[key] = self.core.get(key, 0) + 1
        else:
            others = [version for version, kind in self.found if kind == key[1]]
            served = f"; there is {', '.join(others)}" if others else ""
            self.faults.append(f"{where}: no definition in the folder is of {key[1]} ({key[0]}){served}")

    def told(self, key, one):
        schema = closed(self.found[key])
        own = {"apiVersion": {"type": "string"}, "kind": {"type": "string"}, "metadata": METADATA}
        schema["properties"] = {**schema.get("properties", {}), **own}
        one = defaulted(schema, copy.deepcopy(one))
        for error in self.validator(schema, format_checker=FORMATS).iter_errors(one):
            path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in error.absolute_path)
            yield f"{path.lstrip('.') or 'the object'}: {error.message[:300]}"

    def refuses(self, where, key, one):
        """Asks for what must be a fault: a check that cannot fail proves nothing."""
        wrong = copy.deepcopy(one)
        wrong.setdefault("spec", {})["thereIsNoSuchField"] = 1
        if not any("thereIsNoSuchField" in fault for fault in self.told(key, wrong)):
            self.faults.append(f"{where}: the definition of {key[1]} takes a field that there is not, so nothing was checked")


def rendered(brama, policies):
    """What `brama render` writes, for each policy and target, with where it is from."""
    shown = subprocess.run([brama, "render", "-h"], capture_output=True, text=True, check=True).stdout
    named = re.search(r"--target <TARGET>[^\[]*\[possible values: ([^\]]*)\]", shown)
    targets = set(named[1].split(", ")) if named else set()
    if targets != set(TARGETS):
        sys.exit(f"`brama render` has other targets than this script knows: {sorted(targets ^ set(TARGETS))}")
    for policy in policies:
        for target, ways in TARGETS.items():
            for flags in ways:
                command = [brama, "render", policy, "--target", target, *flags]
                text = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
                manifests = list(objects(text))
                if not manifests:
                    sys.exit(f"{' '.join(command)}: it wrote no manifest")
                for one in manifests:
                    yield f"brama {' '.join(command[1:])}", one


def written():
    """The manifests in the documents and files, with where they stand, and what is wrong where one cannot be read."""
    texts = []
    for file in sorted({path for pattern in DOCUMENTS for path in ROOT.glob(pattern)}):
        text = file.read_text()
        for block in re.finditer(r"^ *(```+|~~~+)[^\n]*\n(.*?)^ *\1", text, re.MULTILINE | re.DOTALL):
            line = text.count("\n", 0, block.start()) + 1
            texts.append((f"{file.relative_to(ROOT)}:{line}", block[2]))
    for file in sorted({path for pattern in FILES for path in ROOT.glob(pattern)}):
        texts.append((str(file.relative_to(ROOT)), file.read_text()))
    for where, text in texts:
        # Other YAML and other languages are no manifests.
        if not re.search(r'^\s*"?apiVersion"?\s*:', text, re.MULTILINE):
            continue
        try:
            for one in objects(text):
                yield where, one, None
        except yaml.YAMLError as error:
            yield where, None, " ".join(str(error).split())


def main():
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    brama, folder, policies = sys.argv[1], sys.argv[2], sys.argv[3:]
    try:
        found = definitions(pathlib.Path(folder))
    except (yaml.YAMLError, KeyError, TypeError, OSError, UnicodeDecodeError) as error:
        sys.exit(f"{folder}: the definitions cannot be read: {error!r}")
    if not found:
        sys.exit(f"{folder} has no CustomResourceDefinition that is served")
    judge, in_documents = Judge(found), 0
    for where, one in rendered(brama, policies):
        judge.judge(where, one)
    for where, one, fault in written():
        in_documents += 1
        if fault:
            judge.faults.append(f"{where}: the manifest cannot be read: {fault}")
        else:
            judge.judge(where, one)
    for (version, kind), count in sorted(judge.checked.items()):
        print(f"  {kind} ({version}): {count} checked")
    for (version, kind), count in sorted(judge.core.items()):
        print(f"  {kind} ({version}): {count} not checked: a kind of Kubernetes itself, which has no definition here")
    print(f"  {in_documents} of them are in the documents and in envoy/; {len(judge.rules.run)} rules in CEL were run")
    for rule in sorted(judge.rules.unchecked):
        print(f"  not checked, since CEL alone does not run it: {rule}")
    for fault in judge.faults:
        print(f"FAULT {fault}")
    print(f"{len(judge.faults)} faults")
    sys.exit(1 if judge.faults else 0)


main()
