"""What the scripts share: the LRS from the environment, steps that end at the first difference."""

import base64
import json
import os
import sys
import traceback
import urllib.error
import urllib.parse
import urllib.request
import uuid


def _variable(name):
    value = os.environ.get(name)
    if not value:
        sys.exit(f"{name} is not set: docs/api/clients.md says what it is")
    return value


ENDPOINT = _variable("XAPI_ENDPOINT").rstrip("/")
KEY = _variable("XAPI_KEY")
SECRET = _variable("XAPI_SECRET")

# Whether a script goes on after a difference, to tell them all.
GOES_ON = os.environ.get("XAPI_CLIENTS_GO_ON") == "1"


class Difference(Exception):
    """What was seen is not what should be."""


def same(actual, expected, what):
    """Ends the step unless both are equal."""
    if actual != expected:
        raise Difference(f"{what}: {actual!r}, expected {expected!r}")


class Story:
    """The steps of one client, told one by one."""

    def __init__(self, client):
        self.client = client
        self.steps = 0
        self.differences = 0

    def step(self, what):
        """Decorates a function that is run at once as a step."""

        def run(act):
            try:
                act()
            except Exception as error:  # whatever a client throws is a difference
                told = str(error) if isinstance(error, Difference) else traceback.format_exc(limit=-3)
                print(f"DIFFERENT  {self.client}: {what}: {told}", file=sys.stderr)
                self.differences += 1
                if not GOES_ON:
                    sys.exit(1)
                return act
            self.steps += 1
            print(f"ok    {self.client}: {what}", flush=True)
            return act

        return run

    def end(self):
        """Tells how it ended."""
        if self.differences:
            sys.exit(f"DIFFERENT  {self.client}: {self.differences} differences")
        print(f"{self.client}: {self.steps} steps as they should be")


def raw(method, path, query=None, headers=None, body=None):
    """A request of our own, beside the client: status, headers and body of its answer."""
    url = f"{ENDPOINT}/{path}"
    if query:
        url += "?" + urllib.parse.urlencode(query)
    credential = base64.b64encode(f"{KEY}:{SECRET}".encode()).decode()
    request = urllib.request.Request(url, method=method, data=body)
    request.add_header("Authorization", f"Basic {credential}")
    request.add_header("X-Experience-API-Version", "1.0.3")
    for name, value in (headers or {}).items():
        request.add_header(name, value)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read()


class World:
    """People and activities of one run, which no other run knows."""

    def __init__(self):
        self.base = f"https://example.org/runs/{uuid.uuid4()}"
        self.pupil = self.agent("élève-1")
        self.other = self.agent("élève-2")
        self.teacher = self.agent("enseignante")
        self.answered = self.iri("verbs/répondu")
        self.completed = self.iri("verbs/terminé")
        self.lesson = self.iri("activités/leçon")
        self.exercises = [self.iri("activités/exercice-1"), self.iri("activités/exercice-2")]
        self.registrations = [str(uuid.uuid4()), str(uuid.uuid4())]

    def iri(self, path):
        return f"{self.base}/{path}"

    def agent(self, name):
        return {"objectType": "Agent", "account": {"homePage": self.base, "name": name}}

    def activity(self, iri, name):
        names = {"fr-FR": name, "en-US": f"{name} (en)"}
        return {"objectType": "Activity", "id": iri, "definition": {"name": names}}

    def statements(self):
        """Three statements that each filter tells apart."""
        lesson = {"objectType": "Activity", "id": self.lesson}
        return [
            {
                "id": str(uuid.uuid4()),
                "actor": {**self.pupil, "name": "Élève Un"},
                "verb": {"id": self.answered, "display": {"fr-FR": "a répondu à"}},
                "object": self.activity(self.exercises[0], "Exercice 1"),
                "result": {"success": True, "score": {"scaled": 0.75}, "duration": "PT12.4S"},
                "context": {
                    "registration": self.registrations[0],
                    "contextActivities": {"parent": [lesson]},
                },
                "timestamp": "2026-03-05T18:42:11.250Z",
            },
            {
                "id": str(uuid.uuid4()),
                "actor": self.pupil,
                "verb": {"id": self.completed, "display": {"fr-FR": "a terminé"}},
                "object": self.activity(self.lesson, "Leçon"),
                "context": {"registration": self.registrations[1], "instructor": self.teacher},
                "timestamp": "2026-03-05T18:50:00.000Z",
            },
            {
                "id": str(uuid.uuid4()),
                "actor": self.other,
                "verb": {"id": self.answered, "display": {"fr-FR": "a répondu à"}},
                "object": self.activity(self.exercises[1], "Exercice 2"),
                "context": {"contextActivities": {"grouping": [lesson]}},
                "timestamp": "2026-03-05T18:51:00.000Z",
            },
        ]


def json_of(answer):
    """The JSON of an answer of `raw` that must be a success."""
    status, _, body = answer
    if not 200 <= status < 300:
        raise Difference(f"{status}: {body.decode(errors='replace')}")
    return json.loads(body) if body else None
