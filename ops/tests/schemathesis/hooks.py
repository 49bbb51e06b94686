"""What schemathesis cannot be told in schemathesis.toml."""

import schemathesis
from hypothesis import strategies as st

# An IRI that is one, so that requests get past the first rule.
IRIS = st.builds(
    "{}example.org/{}".format,
    st.sampled_from(["https://", "http://", "urn:", "tag:"]),
    st.text("abcé/-_.~0123456789", max_size=20),
)

schemathesis.openapi.format("iri", IRIS)


@schemathesis.serializer("application/zip")
def zipped(_context, value):
    """A roster: whatever was drawn, in bytes. What is no zip is refused."""
    return value if isinstance(value, bytes) else str(value).encode()


@schemathesis.check
def retry_after(_context, response, _case):
    """A 503 says when to come back."""
    if response.status_code == 503:
        waits = response.headers.get("retry-after") or [""]
        assert waits[0].isdigit(), f"503 without Retry-After: {waits}"
