#!/usr/bin/env python3
"""Holds records, and the contracts themselves, against schemas/ by a validator that is not ours.

usage: validate_schemas.py                       the schemas, their examples, asyncapi.yaml, tests/fixtures
       validate_schemas.py NAME FILE [NAME FILE ...]
                                                 records of FILE, one JSON object a line ("-": standard input),
                                                 against schemas/NAME.json
Exit status: 0 all hold, 1 something does not (each on a line: where and why), 2 usage."""

import functools
import json
import pathlib
import re
import sys

import jsonschema
import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
SCHEMAS = ROOT / "schemas"
INVALID = ROOT / "tests" / "fixtures" / "invalid"
VALID = ROOT / "tests" / "fixtures" / "valid"
PUBLISHED = ("prediction", "session", "rejected")  # what we write has no field that the contract does not name
SHOWN = 20

# Refused for what no schema can say: bytes of UTF-8, depth, what stands in ignored fields.
BEYOND_SCHEMAS = {
    "bad-field.track-too-long",
    "bad-field.user-id-33-letters-of-two-bytes",
    "bad-field.escaped-nul-in-ignored-field",
    "bad-field.escaped-nul-in-a-name",
    "bad-field.integer-of-400-digits",
    "too-large.nested-arrays",
    "too-large.nested-objects",
}


@functools.lru_cache(maxsize=None)
def validator(name):
    schema = json.loads((SCHEMAS / f"{name}.json").read_text(encoding="utf-8"))
    return jsonschema.Draft202012Validator(schema)


def relations(name, record):
    """What a schema's description promises beyond the schema."""
    if name == "prediction":
        said = [record[name] for name in ("elapsed_s", "p10_s", "p50_s", "p90_s") if name in record]
        if said != sorted(said):
            yield "elapsed_s, p10_s, p50_s, p90_s are not in order"
        if record["session_start"] > record["timestamp"] and record["scrobble"] > 1:
            yield "session_start is after timestamp"
    if name == "session" and round(record["length_s"] * 1000) != record["end"] - record["start"]:
        yield "length_s is not end - start"


def problems(name, record):
    """Every reason why record is no NAME, as sentences."""
    found = [f"{'/'.join(map(str, error.absolute_path)) or 'the record'}: {error.message}"
             for error in validator(name).iter_errors(record)]
    if found:
        return found
    if name in PUBLISHED:
        unknown = set(record) - set(validator(name).schema["properties"])
        found += [f"{field}: not in the contract" for field in sorted(unknown)]
    return found + list(relations(name, record))


def parse_strictly(text):
    """JSON as our reader takes it: no field twice, no NaN, numbers that fit."""
    def once(pairs):
        if len(dict(pairs)) < len(pairs):
            raise ValueError("a field twice")
        return dict(pairs)

    def no_constant(word):
        raise ValueError(f"{word} is no number")

    def real(digits):
        if abs(float(digits)) == float("inf"):
            raise ValueError("a number too big")
        return float(digits)

    record = json.loads(text, object_pairs_hook=once, parse_constant=no_constant, parse_float=real)
    json.dumps(record, ensure_ascii=False).encode("utf-8")  # lone surrogates have no UTF-8
    return record


def check_lines(name, path):
    """Yields what is wrong in a file of records; counts as wrong too: a file without any."""
    count = 0
    with (sys.stdin if path == "-" else open(path, encoding="utf-8", newline="\n")) as lines:
        for number, line in enumerate(lines, 1):
            count += 1
            try:
                record = parse_strictly(line)
            except ValueError as error:
                yield f"{path}:{number}: not JSON: {error}"
                continue
            for problem in problems(name, record):
                yield f"{path}:{number}: {problem}"
    if count == 0:
        yield f"{path}: no record"


def names():
    return sorted(path.stem for path in SCHEMAS.glob("*.json"))


def check_schema(name):
    schema = validator(name).schema
    try:
        jsonschema.Draft202012Validator.check_schema(schema)
    except jsonschema.SchemaError as error:
        yield f"{name}.json: {error.message}"
        return
    if schema.get("$id") != f"https://outro.example/schemas/{name}.json":
        yield f"{name}.json: $id is {schema.get('$id')}"
    for number, example in enumerate(schema.get("examples", [])):
        for problem in problems(name, example):
            yield f"{name}.json: example {number}: {problem}"


def check_that_it_bites(name):
    """A contract that takes a record without a field, or with another type in it, holds nothing."""
    schema = validator(name).schema
    example = schema["examples"][0]
    for field in schema["required"]:
        if not problems(name, {key: value for key, value in example.items() if key != field}):
            yield f"{name}.json: takes a record without {field}"
        if not problems(name, {**example, field: [example[field]]}):
            yield f"{name}.json: takes an array as {field}"
    if not problems(name, {**example, "another": 1}):
        yield f"{name}.json: takes another field"


def resolve(document, reference):
    """What a $ref of asyncapi.yaml points at; KeyError or OSError when it points at nothing."""
    place, _, pointer = reference.partition("#")
    if place:
        document = json.loads((SCHEMAS / place).read_text(encoding="utf-8"))
    for part in filter(None, pointer.split("/")):
        document = document[part]
    return document


def references(node):
    if isinstance(node, dict):
        if "$ref" in node:
            yield node["$ref"]
        for child in node.values():
            yield from references(child)
    elif isinstance(node, list):
        for child in node:
            yield from references(child)


def check_asyncapi():
    document = yaml.safe_load((SCHEMAS / "asyncapi.yaml").read_text(encoding="utf-8"))
    used = set()
    for reference in references(document):
        try:
            resolve(document, reference)
        except (KeyError, OSError) as error:
            yield f"asyncapi.yaml: $ref {reference}: {error!r}"
        used.add(pathlib.PurePath(reference).stem)
    for name in ("scrobble", "track-duration", "profile", *PUBLISHED):
        if name not in used:
            yield f"asyncapi.yaml: no message has {name}.json"
    operated = {operation["channel"]["$ref"] for operation in document["operations"].values()}
    for channel in document["channels"]:
        if f"#/channels/{channel}" not in operated:
            yield f"asyncapi.yaml: nothing reads or writes {channel}"


def check_reasons():
    code = (ROOT / "model" / "data" / "scrobble_json.c").read_text(encoding="utf-8")
    named = set(re.findall(r'\[REJECT_\w+\] = "([a-z0-9-]+)"', code)) - {"none"}
    listed = set(validator("rejected").schema["properties"]["reason"]["enum"])
    for reason in sorted(named ^ listed):
        yield f"rejected.json: reason {reason} is not in both the schema and scrobble_json.c"


def check_invalid_records():
    files = sorted(INVALID.glob("*.json"))
    if len(files) < 100:
        yield f"{INVALID}: only {len(files)} records"
    for path in files:
        try:
            record = parse_strictly(path.read_bytes().decode("utf-8"))
        except (ValueError, RecursionError):
            continue
        refused = bool(problems("scrobble", record))
        if refused == (path.stem in BEYOND_SCHEMAS):
            yield f"{path.name}: {'refused after all' if refused else 'taken'} by scrobble.json"


def check_valid_records():
    """What our reader takes (unit.scrobble_json reads the same files), the schema takes."""
    files = sorted(VALID.glob("*.json"))
    if len(files) < 15:
        yield f"{VALID}: only {len(files)} records"
    for path in files:
        for problem in problems("scrobble", parse_strictly(path.read_text(encoding="utf-8"))):
            yield f"{path.name}: {problem}"


def check_contracts():
    for name in names():
        yield from check_schema(name)
    for name in PUBLISHED:
        yield from check_that_it_bites(name)
    yield from check_asyncapi()
    yield from check_reasons()
    yield from check_invalid_records()
    yield from check_valid_records()


def main(arguments):
    if len(arguments) % 2 or not set(arguments[::2]) <= set(names()):
        print(__doc__, file=sys.stderr)
        return 2
    found = list(check_contracts()) if not arguments else [
        problem for name, path in zip(arguments[::2], arguments[1::2]) for problem in check_lines(name, path)]
    for problem in found[:SHOWN]:
        print(problem)
    if len(found) > SHOWN:
        print(f"... and {len(found) - SHOWN} more")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
