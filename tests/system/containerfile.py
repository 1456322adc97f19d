"""Reads a Containerfile: as much of the language as ours uses, and an error for the rest."""
import dataclasses
import json
import re


@dataclasses.dataclass
class Stage:
    base: str
    name: str = ""
    steps: list = dataclasses.field(default_factory=list)  # ("RUN", text), ("COPY", [words])
    env: dict = dataclasses.field(default_factory=dict)
    ports: list = dataclasses.field(default_factory=list)
    volumes: list = dataclasses.field(default_factory=list)
    entrypoint: list = dataclasses.field(default_factory=list)
    command: list = dataclasses.field(default_factory=list)
    health: str = ""

    def apt_packages(self):
        """The names that its RUN lines give to apt-get install."""
        words = []
        for kind, text in self.steps:
            for part in re.split(r"&&|;", text) if kind == "RUN" else []:
                if re.search(r"\bapt-get install\b", part):
                    words += part.split("install", 1)[1].split()
        return [word for word in words if not word.startswith(("-", "/"))]


@dataclasses.dataclass
class Containerfile:
    stages: list

    @property
    def last(self):
        return self.stages[-1]


def instructions(text):
    """(WORD, rest) of each instruction: comment lines dropped, continued lines joined."""
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    whole = re.sub(r"\\\n\s*", " ", "\n".join(lines))
    for line in filter(None, (line.strip() for line in whole.splitlines())):
        word, _, rest = line.partition(" ")
        yield word.upper(), rest.strip()


def parse(text):
    stages = []
    for word, rest in instructions(text):
        if word == "FROM":
            base, _, name = re.fullmatch(r"(\S+)(\s+AS\s+(\S+))?", rest).groups()
            stages.append(Stage(base, name or ""))
            continue
        stage = stages[-1]
        if word == "RUN":
            stage.steps.append((word, rest))
        elif word in ("COPY", "WORKDIR"):
            stage.steps.append((word, rest.split()))
        elif word == "ENV":
            name, value = rest.split("=", 1)
            stage.env[name] = value
        elif word == "EXPOSE":
            stage.ports += [int(port) for port in rest.split()]
        elif word == "VOLUME":
            stage.volumes.append(rest)
        elif word == "ENTRYPOINT":
            stage.entrypoint = json.loads(rest)
        elif word == "CMD":
            stage.command = json.loads(rest)
        elif word == "HEALTHCHECK":
            stage.health = rest.split(" CMD ", 1)[1]
        else:
            raise ValueError(f"the test does not know {word}")
    return Containerfile(stages)


def read(path):
    with open(path, encoding="utf-8") as file:
        return parse(file.read())
