"""A bucket that speaks the protocol of S3, for the story in bucket.rs.

Prints the port of its server, and ends with its standard input. In the bucket lie what a process that
was killed two days ago left behind, and what arrives now.
"""

import sys
from datetime import timedelta

from moto.core.utils import utcnow
from moto.s3.models import s3_backends
from moto.server import ThreadedMotoServer

# The account that moto takes every request for.
s3 = s3_backends["123456789012"]["aws"]
s3.create_bucket("sillage", "us-east-1")
s3.put_object("sillage", "kept/incoming/now", b"arrives")
left = s3.put_object("sillage", "kept/incoming/left", b"left behind")
left.last_modified = utcnow() - timedelta(days=2)

server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
print(server.get_host_and_port()[1], flush=True)
sys.stdin.read()
server.stop()
