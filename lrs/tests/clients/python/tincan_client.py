"""TinCan for Python: every call of its RemoteLRS, and what its own faults are answered."""

import copy
import json
import time
import uuid

import tincan
from story import ENDPOINT, KEY, SECRET, Difference, Story, World, raw, same

story = Story("TinCan for Python")
world = World()
lrs = tincan.RemoteLRS(endpoint=f"{ENDPOINT}/", version="1.0.3", username=KEY, password=SECRET)


def content(response):
    """What a successful call gives."""
    if not response.success:
        raise Difference(f"{response.response.status}: {response.data}")
    return response.content


def refused(status, response):
    """The call is answered with this status."""
    if response.response.status != status:
        raise Difference(f"{response.response.status} {response.data}, expected {status}")


def statement(given):
    # The library takes its arguments apart.
    return tincan.Statement(copy.deepcopy(given))


first, second, third = world.statements()
IDS = [given["id"] for given in (first, second, third)]
pupil = tincan.Agent(copy.deepcopy(world.pupil))
teacher = tincan.Agent(copy.deepcopy(world.teacher))
lesson = tincan.Activity(id=world.lesson)
answered = tincan.Verb(id=world.answered)


@story.step("about")
def _():
    about = content(lrs.about())
    if "1.0.3" not in about.version:
        raise Difference(f"the versions are {about.version}")


@story.step("saves a statement under its id, and reads it back")
def _():
    content(lrs.save_statement(statement(first)))
    read = content(lrs.retrieve_statement(first["id"]))
    same(str(read.id), first["id"], "its id")
    same(read.actor.account.name, "élève-1", "its actor")
    same(read.result.score.scaled, 0.75, "its score")
    same(read.result.duration.total_seconds(), 12.4, "its duration")
    same(read.timestamp.isoformat(), "2026-03-05T18:42:11.250000+00:00", "its timestamp")


@story.step("saves it again: the same; another one under its id: 409")
def _():
    content(lrs.save_statement(statement(first)))
    refused(409, lrs.save_statement(statement({**first, "result": {"success": False}})))


time.sleep(0.02)


@story.step("saves several statements at once")
def _():
    saved = content(lrs.save_statements([statement(second), statement(third)]))
    same([str(one.id) for one in saved], IDS[1:], "their ids")


@story.step("saves a statement without id, gets one that it understands, and reads it back")
def _():
    bare = {"actor": world.other, "verb": {"id": world.iri("verbs/vu")}, "object": {"id": world.iri("vidéo")}}
    saved = content(lrs.save_statement(statement(bare)))
    read = content(lrs.retrieve_statement(saved.id))
    same(read.object.id, world.iri("vidéo"), "its object")


def found(query):
    return [str(one.id) for one in content(lrs.query_statements(query)).statements]


def between():
    """A time after the first was stored and before the others were."""
    stored = [content(lrs.retrieve_statement(one)).stored for one in IDS[:2]]
    return stored[0] + (stored[1] - stored[0]) / 2


# True of Python would be sent as "True", and a datetime with a space: xAPI knows "true" and "T".
ABOUT = {"activity": lesson, "related_activities": "true"}
for what, query, places in [
    ("by agent", {"agent": pupil}, [1, 0]),
    ("by an agent that stands elsewhere", {"agent": teacher}, []),
    ("by related agent", {"agent": teacher, "related_agents": "true"}, [1]),
    ("by verb", {"verb": answered}, [2, 0]),
    ("by activity", {"activity": lesson}, [1]),
    ("by related activity", ABOUT, [2, 1, 0]),
    ("by registration", {"registration": world.registrations[0]}, [0]),
    ("since", lambda: {**ABOUT, "since": between().isoformat()}, [2, 1]),
    ("until", lambda: {**ABOUT, "until": between().isoformat()}, [0]),
    ("ascending", {**ABOUT, "ascending": "true"}, [0, 1, 2]),
    ("with a limit", {**ABOUT, "limit": 1}, [2]),
]:

    @story.step(f"queries {what}")
    def _():
        asked = query() if callable(query) else query
        same(found(asked), [IDS[place] for place in places], "what was found")


@story.step("a boolean of Python is none of xAPI: 400")
def _():
    refused(400, lrs.query_statements({"verb": answered, "ascending": True}))


@story.step("follows `more` to the end")
def _():
    page = content(lrs.query_statements({**ABOUT, "limit": 2}))
    same([str(one.id) for one in page.statements], [IDS[2], IDS[1]], "the first page")
    page = content(lrs.more_statements(page))
    same([str(one.id) for one in page.statements], [IDS[0]], "the second page")
    same(page.more, "", "what comes after it")


@story.step("asks for ids, and for the canonical form")
def _():
    def query(form):
        asked = {"registration": world.registrations[0], "format": form}
        return content(lrs.query_statements(asked)).statements[0]

    same(query("ids").object.definition, None, "the definition in format ids")
    same(len(query("canonical").object.definition.name), 1, "languages of the canonical form")


@story.step("voids a statement and reads the voided one")
def _():
    victim, *_ = world.statements()
    content(lrs.save_statement(statement(victim)))
    verb = tincan.Verb(id="http://adlnet.gov/expapi/verbs/voided")
    target = tincan.StatementRef(id=victim["id"])
    content(lrs.save_statement(tincan.Statement(actor=teacher, verb=verb, object=target)))
    refused(404, lrs.retrieve_statement(victim["id"]))
    read = content(lrs.retrieve_voided_statement(victim["id"]))
    same(str(read.id), victim["id"], "the voided statement")


@story.step("sends an attachment by its address: this client sends no contents")
def _():
    attachment = {
        "usageType": world.iri("usage/copie"),
        "display": {"fr-FR": "Copie"},
        "contentType": "text/plain",
        "length": 4,
        "sha2": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "fileUrl": world.iri("copie.txt"),
    }
    sent, *_ = world.statements()
    content(lrs.save_statement(statement({**sent, "attachments": [attachment]})))
    read = content(lrs.retrieve_statement(sent["id"]))
    same(read.attachments[0].fileurl, attachment["fileUrl"], "its address")
    del attachment["fileUrl"]
    sent = {**sent, "id": str(uuid.uuid4()), "attachments": [attachment]}
    refused(400, lrs.save_statement(statement(sent)))


def state(**more):
    given = {"id": "marque-page", "activity": lesson, "agent": pupil, "content_type": "application/json"}
    return tincan.StateDocument(**{**given, **more})


@story.step("state: saves, reads, lists")
def _():
    content(lrs.save_state(state(content=json.dumps({"page": 3}))))
    read = lrs.retrieve_state(lesson, pupil, "marque-page")
    same(json.loads(content(read).content), {"page": 3}, "the state")
    same(content(lrs.retrieve_state_ids(lesson, pupil)), ["marque-page"], "the ids")
    later = "2126-01-01T00:00:00Z"
    same(content(lrs.retrieve_state_ids(lesson, pupil, since=later)), [], "the ids since a later time")
    unknown = lrs.retrieve_state(lesson, pupil, "inconnu")
    same(unknown.response.status, 404, "the status of one that is not there")


@story.step("state: this client sends each twice, so that the second meets the ETag of the first: 412")
def _():
    etag = lrs.retrieve_state(lesson, pupil, "marque-page").response.getheader("ETag")
    refused(412, lrs.save_state(state(content=json.dumps({"page": 4}), etag=etag)))
    read = content(lrs.retrieve_state(lesson, pupil, "marque-page"))
    same(json.loads(read.content), {"page": 4}, "the state, which the first has saved")
    refused(412, lrs.save_state(state(content=json.dumps({"page": 5}), etag=etag)))
    read = content(lrs.retrieve_state(lesson, pupil, "marque-page"))
    same(json.loads(read.content), {"page": 4}, "the state")


@story.step("state: this client saves it without its registration; reads, lists and clears one that has it")
def _():
    registration = world.registrations[0]
    content(lrs.save_state(state(id="séance", content=json.dumps({"page": 6}), registration=registration)))
    same(content(lrs.retrieve_state_ids(lesson, pupil, registration)), [], "the registration's ids")
    content(lrs.delete_state(state(id="séance")))
    query = {"activityId": world.lesson, "agent": json.dumps(world.pupil), "stateId": "séance"}
    query["registration"] = registration
    made = raw("PUT", "activities/state", query, {"Content-Type": "application/json"}, b'{"page":7}')
    same(made[0], 204, "the status of one with its registration")
    read = content(lrs.retrieve_state(lesson, pupil, "séance", registration))
    same(json.loads(read.content), {"page": 7}, "the registration's state")
    same(content(lrs.retrieve_state_ids(lesson, pupil, registration)), ["séance"], "the registration's ids")
    content(lrs.clear_state(lesson, pupil, registration))
    same(content(lrs.retrieve_state_ids(lesson, pupil, registration)), [], "the registration's ids")
    same(content(lrs.retrieve_state_ids(lesson, pupil)), ["marque-page"], "the other ids")


@story.step("state: deletes one with its ETag, then all")
def _():
    refused(412, lrs.delete_state(state(etag='"0000000000000000000000000000000000000000"')))
    etag = lrs.retrieve_state(lesson, pupil, "marque-page").response.getheader("ETag")
    content(lrs.save_state(state(id="brouillon", content="où ?", content_type="text/plain")))
    content(lrs.delete_state(state(etag=etag)))
    same(content(lrs.retrieve_state_ids(lesson, pupil)), ["brouillon"], "the ids")
    content(lrs.clear_state(lesson, pupil))
    same(content(lrs.retrieve_state_ids(lesson, pupil)), [], "the ids")


class Profiles:
    """The two kinds of profiles have the same calls."""

    def __init__(self, kind, document, resource, of, query):
        self.kind, self.document, self.resource, self.of = kind, document, resource, of
        self.query = {**query, "profileId": "réglages"}

    def call(self, verb, *given, ids=False):
        return getattr(lrs, f"{verb}_{self.kind}{'_ids' if ids else ''}")(*given)

    def profile(self, **more):
        name = "activity" if self.kind == "activity_profile" else "agent"
        return self.document(**{"id": "réglages", name: self.of, "content_type": "application/json", **more})

    def tell(self):
        kind = self.kind

        @story.step(f"{kind}: a new one without precondition, as this client sends it: 400")
        def _():
            refused(400, self.call("save", self.profile(content=json.dumps({"police": 14}))))
            same(self.call("retrieve", self.of, "réglages").response.status, 404, "the status of reading it")

        @story.step(f"{kind}: one that is there without precondition: 409, with its ETag: saved")
        def _():
            headers = {"If-None-Match": "*", "Content-Type": "application/json"}
            made = raw("PUT", self.resource, self.query, headers, b'{"police":14}')
            same(made[0], 204, "the status of a new one made rightly")
            refused(409, self.call("save", self.profile(content=json.dumps({"police": 16}))))
            etag = self.call("retrieve", self.of, "réglages").response.getheader("ETag")
            content(self.call("save", self.profile(content=json.dumps({"police": 18}), etag=etag)))
            refused(412, self.call("save", self.profile(content=json.dumps({"police": 20}), etag=etag)))
            read = content(self.call("retrieve", self.of, "réglages"))
            same(json.loads(read.content), {"police": 18}, "the profile")

        @story.step(f"{kind}: lists, deletes")
        def _():
            same(content(self.call("retrieve", self.of, ids=True)), ["réglages"], "the ids")
            later = "2126-01-01T00:00:00Z"
            same(content(self.call("retrieve", self.of, later, ids=True)), [], "the ids since a later time")
            content(self.call("delete", self.profile()))
            same(content(self.call("retrieve", self.of, ids=True)), [], "the ids")


ACTIVITY = {"activityId": world.lesson}
Profiles("activity_profile", tincan.ActivityProfileDocument, "activities/profile", lesson, ACTIVITY).tell()
AGENT = {"agent": json.dumps(world.pupil)}
Profiles("agent_profile", tincan.AgentProfileDocument, "agents/profile", pupil, AGENT).tell()
story.end()
