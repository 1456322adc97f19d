#!/usr/bin/env python3
"""Compares the APIs with their descriptions.

    check.py lint DOCUMENT...             each is valid OpenAPI 3.1, its examples fit, no schema is loose or unused
    check.py answers DIRECTORY DOCUMENT...
                                          each answer in DIRECTORY/*.jsonl is as the documents say, and every operation
                                          that they describe was exercised
"""

import collections
import glob
import json
import os
import sys

import openapi_spec_validator

from description import Description

MOST_SHOWN = 60
# What a listener of https says to who does not speak it, before it knows which API is asked.
NO_API = "this port speaks https"


def lint(paths):
    faults = []
    for path in paths:
        name = os.path.basename(path)
        description = Description(path)
        validator = openapi_spec_validator.OpenAPIV31SpecValidator(description.document)
        faults += [f"{name}: {error.message}" for error in validator.iter_errors()]
        faults += [f"{name}: {fault}" for fault in description.faults_of_examples()]
        faults += [f"{name}: {place} takes members that are not described" for place in description.loose_schemas()]
        faults += [f"{name}: nothing refers to {place}" for place in description.unused_components()]
        for operation_id, (_, _, operation) in description.operations.items():
            for member in ("summary", "tags", "responses"):
                if member not in operation:
                    faults.append(f"{name}: {operation_id} has no {member}")
    return faults, f"{len(paths)} documents"


def answers(directory, paths):
    descriptions = [Description(path) for path in paths]
    faults = collections.Counter()
    exercised = set()
    count = 0
    files = sorted(glob.glob(os.path.join(directory, "*.jsonl")))
    for file in files:
        with open(file, encoding="utf-8", errors="replace") as lines:
            for line in lines:
                count += 1
                answer = json.loads(line)
                for fault in faults_of(answer, descriptions, exercised):
                    faults[fault] += 1
    if not files:
        faults[f"no answers were recorded in {directory}"] += 1
    for description in descriptions:
        for operation_id, (method, template, _) in description.operations.items():
            if (description.path, operation_id) not in exercised:
                faults[f"{method.upper()} {template} ({operation_id}): no test was given what it asked for"] += 1
    listed = [f"{fault} ({times} times)" if times > 1 else fault for fault, times in faults.items()]
    return listed, f"{count} answers of {len(exercised)} operations"


def faults_of(answer, descriptions, exercised):
    target, method, status = answer["target"], answer["method"], answer["status"]
    if status == 400 and NO_API in answer["body"]:
        return []
    described = [each for each in descriptions if each.knows_path(target)]
    if not described:
        # What does not exist is answered so.
        return [] if status in (400, 401, 403, 404) else [f"{method} {target}: no document knows this path"]
    if method in ("OPTIONS", "HEAD"):
        return []
    for description in described:
        operation_id = description.operation_of(method, target)
        if operation_id is None:
            continue
        if 200 <= status < 300:
            exercised.add((description.path, operation_id))
        faults = description.faults_of_answer(operation_id, answer)
        if 200 <= status < 300:
            faults += description.faults_of_request(operation_id, answer)
        return [f"{method} {operation_id} {status}: {fault}" for fault in faults]
    return [] if status in (401, 403, 405) else [f"{method} {target}: {status}, and no document knows this method"]


def main(words):
    if len(words) >= 2 and words[0] == "lint":
        faults, looked_at = lint(words[1:])
    elif len(words) >= 3 and words[0] == "answers":
        faults, looked_at = answers(words[1], words[2:])
    else:
        print(__doc__)
        return 2
    for fault in faults[:MOST_SHOWN]:
        print(f"api: {fault}")
    if len(faults) > MOST_SHOWN:
        print(f"api: and {len(faults) - MOST_SHOWN} more")
    print(f"api: {looked_at}, {len(faults)} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
