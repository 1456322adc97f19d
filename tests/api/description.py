"""One OpenAPI document: which operation a request belongs to, and what an answer of it must be."""

import json
import re
import urllib.parse

import jsonschema
import yaml

METHODS = ("get", "put", "post", "delete", "options", "head", "patch")


class Description:
    def __init__(self, path):
        self.path = path
        with open(path, encoding="utf-8") as source:
            self.document = yaml.safe_load(source)
        self.operations = {}  # operationId: (method, template, operation)
        for template, item in self.document["paths"].items():
            for method, operation in item.items():
                if method in METHODS:
                    self.operations[operation["operationId"]] = (method, template, operation)
        self.templates = [(self._pattern(template), template) for template in self.document["paths"]]
        # Literal paths before those with parameters, as the router has it.
        self.templates.sort(key=lambda each: each[1].count("{"))
        self.checker = jsonschema.Draft202012Validator.FORMAT_CHECKER

    @staticmethod
    def _pattern(template):
        parts = re.split(r"\{[^}]+\}", template)
        return re.compile("([^/]+)".join(re.escape(part) for part in parts) + "/?$")

    def resolve(self, node):
        while isinstance(node, dict) and "$ref" in node and node["$ref"].startswith("#/"):
            found = self.document
            for key in node["$ref"][2:].split("/"):
                found = found[key.replace("~1", "/").replace("~0", "~")]
            node = found
        return node

    def operation_of(self, method, target):
        """The operationId, or None: the document knows no such path or method."""
        path = target.split("?", 1)[0]
        for pattern, template in self.templates:
            if pattern.match(path):
                operation = self.document["paths"][template].get(method.lower())
                return operation["operationId"] if operation else None
        return None

    def knows_path(self, target):
        path = target.split("?", 1)[0]
        return any(pattern.match(path) for pattern, _ in self.templates)

    def faults_in(self, value, schema):
        """What is wrong with a value, as sentences."""
        whole = {"components": self.document["components"], **schema}
        validator = jsonschema.Draft202012Validator(whole, format_checker=self.checker)
        faults = []
        for error in sorted(validator.iter_errors(value), key=lambda each: list(map(str, each.absolute_path))):
            place = "/".join(str(part) for part in error.absolute_path) or "the body"
            faults.append(f"{place}: {error.message[:300]}")
        return faults

    def faults_of_answer(self, operation_id, answer):
        operation = self.operations[operation_id][2]
        response = self.resolve(operation["responses"].get(str(answer["status"])))
        if response is None:
            return [f"status {answer['status']} is not described: {answer['body'][:200]}"]
        faults = self._faults_of_headers(response, answer)
        content = response.get("content")
        media = answer["content_type"].split(";", 1)[0].strip()
        if content is None:
            return faults + ([f"has a body, and none is described: {answer['body'][:100]}"] if answer["body"] else [])
        if media not in content:
            return faults + [f"is {media or 'of no type'}; described are {', '.join(content)}"]
        if media == "application/json":
            try:
                value = json.loads(answer["body"])
            except ValueError as error:
                return faults + [f"is no JSON: {error}"]
            faults += self.faults_in(value, content[media]["schema"])
        if media == "text/event-stream":
            faults += self.faults_of_stream(answer["body"], content[media]["x-data"])
        return faults

    def faults_of_stream(self, body, schema):
        """Of server-sent events, as far as they came: each has its number, its type, and data as described."""
        faults = []
        for block in body.split("\n\n")[:-1]:  # what follows the last empty line is not whole
            lines = [line for line in block.split("\n") if not line.startswith(":")]
            if not lines:
                continue  # a sign of life
            fields = dict(line.partition(": ")[::2] for line in lines)
            if len(lines) != 3 or set(fields) != {"id", "event", "data"}:
                faults.append(f"an event has not the fields id, event and data: {block[:200]}")
                continue
            try:
                event = json.loads(fields["data"])
            except ValueError as error:
                faults.append(f"data of an event is no JSON: {error}")
                continue
            faults += [f"an event: {fault}" for fault in self.faults_in(event, schema)]
            if [fields["id"], fields["event"]] != [str(event.get("sequence")), event.get("type")]:
                faults.append(f"an event's id and type are not those of its data: {block[:200]}")
        return faults

    def _faults_of_headers(self, response, answer):
        sent = {name.lower(): value for name, value in answer["headers"].items()}
        faults = []
        for name, header in response.get("headers", {}).items():
            header = self.resolve(header)
            value = sent.get(name.lower())
            if value is None:
                if header.get("required"):
                    faults.append(f"has no {name}")
            else:
                faults += [f"{name}: {fault}" for fault in self.faults_in(value, header["schema"])]
        return faults

    def faults_of_request(self, operation_id, answer):
        """Of a request that was taken: what the server takes has to be described too."""
        operation = self.operations[operation_id][2]
        parameters = [self.resolve(each) for each in operation.get("parameters", [])]
        known = {each["name"] for each in parameters if each["in"] == "query"}
        faults = []
        query = answer["target"].partition("?")[2]
        for name, _ in urllib.parse.parse_qsl(query, keep_blank_values=True):
            prefixed = any(each.endswith(".NAME") and name.startswith(each[:-4]) for each in known)
            if name not in known and not prefixed:
                faults.append(f"query parameter {name} was taken and is not described")
        body = operation.get("requestBody")
        if body is not None and answer["request_body"].strip():
            # Where it is no JSON the bytes are the value.
            media, content = next(iter(body["content"].items()))
            schema = content["schema"]
            value = json.loads(answer["request_body"]) if media == "application/json" else answer["request_body"]
            faults += [f"a body was taken that is not described: {fault}" for fault in self.faults_in(value, schema)]
        elif body is not None and body.get("required"):
            faults.append("was taken without a body")
        return faults

    def faults_of_examples(self):
        """Examples that are not what they are examples of."""
        faults = []
        def look(node, place):
            if isinstance(node, dict):
                if "schema" in node and "example" in node:
                    for fault in self.faults_in(node["example"], node["schema"]):
                        faults.append(f"{place}/example: {fault}")
                for key, value in node.items():
                    look(value, f"{place}/{key}")
            elif isinstance(node, list):
                for index, value in enumerate(node):
                    look(value, f"{place}/{index}")
        look(self.document, "")
        return faults

    def loose_schemas(self):
        """Objects of answers that would let a member through that nobody described."""
        found = []
        for name, schema in self.document["components"]["schemas"].items():
            def look(node, place):
                if isinstance(node, dict):
                    if "properties" in node and node.get("additionalProperties") is not False \
                            and not name.endswith("Request"):
                        found.append(place)
                    for key, value in node.items():
                        look(value, f"{place}/{key}")
                elif isinstance(node, list):
                    for index, value in enumerate(node):
                        look(value, f"{place}/{index}")
            look(schema, name)
        return found

    def unused_components(self):
        text = json.dumps(self.document)
        return [f"{section}/{name}" for section, entries in self.document["components"].items()
                if section != "securitySchemes"
                for name in entries if f'"#/components/{section}/{name}"' not in text]
