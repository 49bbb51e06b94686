"""Ralph's command line: `ralph write` and `ralph read` with its backends lrs and async_lrs."""

import json
import os
import subprocess
import sys
import tempfile
import uuid
from pathlib import Path
from urllib.parse import urlsplit

from story import ENDPOINT, KEY, SECRET, Difference, Story, World, json_of, raw, same

story = Story("Ralph")
world = World()
address = urlsplit(ENDPOINT)
RALPH = str(Path(sys.executable).with_name("ralph"))

# Statements in one request, and in one page.
CHUNK = "10"


def ralph(command, backend, *arguments, given=None, fails=False):
    """Runs a command; its output in lines."""
    name = backend.replace("_", "-")
    options = [
        f"--{name}-base-url={address.scheme}://{address.netloc}",
        f"--{name}-username={KEY}",
        f"--{name}-password={SECRET}",
        # Ralph's own LRS has it under /xAPI.
        f"--{name}-statements-endpoint={address.path}/statements",
    ]
    lines = None if given is None else "".join(json.dumps(one) + "\n" for one in given)
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [RALPH, command, "-b", backend, "-s", CHUNK, *options, *arguments],
            input=lines,
            capture_output=True,
            text=True,
            cwd=folder,  # it reads a file .env where it is started
            env={**os.environ, "RALPH_APP_DIR": folder},
            timeout=60,
            check=False,
        )
    if (done.returncode != 0) != fails:
        raise Difference(f"{command} ended with {done.returncode}: {done.stderr[-700:]}")
    return done.stdout.splitlines()


def read(backend, query):
    """The ids that a query finds."""
    return [json.loads(line)["id"] for line in ralph("read", backend, json.dumps(query))]


first, second, third = world.statements()
IDS = [one["id"] for one in (first, second, third)]
MANY = [{**first, "id": str(uuid.uuid4()), "verb": {"id": world.iri("verbs/lu")}} for _ in range(25)]
READ = {"verb": world.iri("verbs/lu")}


@story.step("writes 25 statements in chunks of 10, and the same again")
def _():
    for _ in range(2):
        ralph("write", "lrs", given=MANY)


@story.step("reads them in pages of 10: each once, the newest first")
def _():
    same(read("lrs", READ), [one["id"] for one in reversed(MANY)], "what was read")


@story.step("another statement under an id: the command fails, and goes on when told to")
def _():
    other = [{**MANY[0], "actor": world.other}]
    ralph("write", "lrs", given=other, fails=True)
    ralph("write", "lrs", "--ignore-errors", given=[*other, {**third, "id": MANY[0]["id"]}])
    same(len(read("lrs", READ)), len(MANY), "how many there are")


for one in (first, second, third):
    ralph("write", "lrs", given=[one])
ABOUT = {"activity": world.lesson, "related_activities": True}
for what, query, places in [
    ("verb and activity", {"verb": world.answered, "activity": world.exercises[0]}, [0]),
    ("activity", {"activity": world.lesson}, [1]),
    ("registration", {"registration": world.registrations[1]}, [1]),
]:

    @story.step(f"reads by {what}")
    def _():
        same(read("lrs", query), [IDS[place] for place in places], json.dumps(query))


@story.step("reads by related activity, ascending, in pages")
def _():
    found = read("lrs", {**ABOUT, "ascending": True})
    same([one for one in found if one in IDS], IDS, "those of the three, in their order")
    same(sorted(found), sorted([*IDS, *[one["id"] for one in MANY]]), "all of them")


@story.step("reads in the form of ids")
def _():
    lines = ralph("read", "lrs", json.dumps({"registration": world.registrations[1], "format": "ids"}))
    same("definition" in json.loads(lines[0])["object"], False, "whether there is a definition")


@story.step("an agent leaves this client as no JSON, and is refused: 400")
def _():
    ralph("read", "lrs", json.dumps({"agent": {"mbox": "mailto:eleve@example.org"}}), fails=True)


for what, more in [
    ("a limit", {"limit": 1}),
    ("since", {"since": "2126-01-01T00:00:00Z"}),
    ("until", {"until": "2006-01-01T00:00:00Z"}),
]:

    @story.step(f"{what} does not leave this client: it reads them all")
    def _():
        same(len(read("lrs", {**READ, **more})), len(MANY), "how many it read")


@story.step("the id of a statement leaves this client under another name, and is refused: 400")
def _():
    for name in ("statementId", "voidedStatementId"):
        ralph("read", "lrs", json.dumps({name: first["id"]}), fails=True)


@story.step("voids a statement")
def _():
    verb = world.iri("verbs/annulé")
    victim = {**first, "id": str(uuid.uuid4()), "verb": {"id": verb}}
    ralph("write", "lrs", given=[victim])
    same(read("lrs", {"verb": verb}), [victim["id"]], "what there was")
    voiding = {
        "actor": world.teacher,
        "verb": {"id": "http://adlnet.gov/expapi/verbs/voided"},
        "object": {"objectType": "StatementRef", "id": victim["id"]},
    }
    ralph("write", "lrs", given=[voiding])
    # What refers to a statement is found by what it says: the voiding, in its place.
    same(victim["id"] in read("lrs", {"verb": verb}), False, "whether it is read")
    voided = json_of(raw("GET", "statements", {"voidedStatementId": victim["id"]}))
    same(voided["id"], victim["id"], "the voided statement")


@story.step("sends an attachment by its address: this client sends no contents, and reads none")
def _():
    attachment = {
        "usageType": world.iri("usage/copie"),
        "display": {"fr-FR": "Copie"},
        "contentType": "text/plain",
        "length": 4,
        "sha2": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "fileUrl": world.iri("copie.txt"),
    }
    verb = world.iri("verbs/rendu")
    sent = {**first, "id": str(uuid.uuid4()), "verb": {"id": verb}, "attachments": [attachment]}
    ralph("write", "lrs", given=[sent])
    (line,) = ralph("read", "lrs", json.dumps({"verb": verb}))
    same(json.loads(line)["attachments"], [attachment], "the attachment")
    ralph("read", "lrs", json.dumps({"verb": verb, "attachments": True}), fails=True)
    del attachment["fileUrl"]
    ralph("write", "lrs", given=[{**sent, "id": str(uuid.uuid4())}], fails=True)


@story.step("async_lrs: writes chunks at the same time, reads them back")
def _():
    verb = {"id": world.iri("verbs/relu")}
    again = [{**one, "id": str(uuid.uuid4()), "verb": verb} for one in MANY]
    ralph("write", "async_lrs", "-c", "3", given=again)
    same(sorted(read("async_lrs", {"verb": verb["id"]})), sorted(one["id"] for one in again), "what was read")


story.end()
